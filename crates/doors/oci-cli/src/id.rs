//! Ids that engines give their containers.

use crate::error::CliError;

/// A valid id, safe as the name of a directory (runc's rule).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BundleId(String);

impl BundleId {
    /// # Errors
    /// [`CliError::InvalidId`].
    pub(crate) fn parse(text: &str) -> Result<Self, CliError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+.-".contains(&byte);
        let valid =
            (1..=1024).contains(&text.len()) && text.bytes().all(allowed) && !matches!(text, "." | "..");
        if valid { Ok(BundleId(text.to_owned())) } else { Err(CliError::InvalidId { id: text.to_owned() }) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_file_names() {
        for good in ["a", "a-b_c.d+e", "..."] {
            assert!(BundleId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "ä", "a b", "a\0"] {
            assert!(BundleId::parse(bad).is_err(), "{bad}");
        }
    }
}
