//! Content digests (OCI image-spec, descriptor.md, "Digests").

use crate::{InvalidId, text_traits};
use serde::{Deserialize, Serialize};

/// The registered hash algorithms that we verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, 64 hexadecimal digits.
    Sha256,
    /// SHA-512, 128 hexadecimal digits.
    Sha512,
}

impl Algorithm {
    /// The name before the colon.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// How many hexadecimal digits an encoded digest has.
    #[must_use]
    pub fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// `algorithm:hex`, the name of a blob by its content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    text: String,
    algorithm: Algorithm,
}

impl Digest {
    /// Parses `sha256:…` or `sha512:…`.
    ///
    /// # Errors
    /// When the algorithm is unknown or the rest is not its count of lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            kind: "digest",
            text: text.chars().take(200).collect(),
            rule: "expected sha256: or sha512: and lower-case hexadecimal digits",
        };
        let (name, hex) = text.split_once(':').ok_or_else(invalid)?;
        let algorithm = match name {
            "sha256" => Algorithm::Sha256,
            "sha512" => Algorithm::Sha512,
            _ => return Err(invalid()),
        };
        let fits =
            hex.len() == algorithm.hex_len() && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self { text: text.to_owned(), algorithm }) } else { Err(invalid()) }
    }

    /// The digest whose raw hash is given, 32 bytes for SHA-256.
    #[must_use]
    pub fn from_sha256(hash: [u8; 32]) -> Self {
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { text: format!("sha256:{hex}"), algorithm: Algorithm::Sha256 }
    }

    /// The hash algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digits after the colon; safe as a file name.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }

    /// The first twelve digits, as shown to people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.hex()[..12]
    }

    /// `algorithm:hex`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
text_traits!(Digest, InvalidId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_splits() {
        let digest = Digest::from_sha256([0xab; 32]);
        assert_eq!(digest.hex(), "ab".repeat(32));
        assert_eq!(Digest::parse(digest.as_str()), Ok(digest));
    }

    #[test]
    fn refuses_path_tricks() {
        for text in
            ["sha256:", "sha256:../../etc/passwd", "md5:00", "sha256", &format!("sha256:{}", "A".repeat(64))]
        {
            assert!(Digest::parse(text).is_err(), "{text}");
        }
    }
}
