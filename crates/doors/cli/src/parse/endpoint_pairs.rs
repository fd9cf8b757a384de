//! `--docker` of `context`: pairs with commas between, as pflag's stringToString has it.

use super::csv::{InvalidCsv, fields};

/// Not pairs. The words are pflag's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPairs {
    /// A part without `=`.
    #[error("{0} must be formatted as key=value")]
    NoPair(String),
    /// Not a record.
    #[error("{0}")]
    Csv(String),
}

impl From<InvalidCsv> for InvalidPairs {
    fn from(error: InvalidCsv) -> Self {
        Self::Csv(error.to_string())
    }
}

/// The pairs in order.
pub(crate) fn endpoint_pairs(text: &str) -> Result<Vec<(String, String)>, InvalidPairs> {
    // A single pair is taken as it is, quotes and all.
    let parts = if text.matches('=').count() == 1 { vec![text.to_owned()] } else { fields(text)? };
    let pair = |part: String| match part.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(InvalidPairs::NoPair(part)),
    };
    parts.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_have_commas_between() {
        let pairs = endpoint_pairs("host=tcp://a:1,ca=~/ca file").unwrap();
        assert_eq!(pairs, [("host".into(), "tcp://a:1".into()), ("ca".into(), "~/ca file".into())]);
        assert_eq!(endpoint_pairs("host").unwrap_err().to_string(), "host must be formatted as key=value");
        assert!(endpoint_pairs("").is_err());
    }
}
