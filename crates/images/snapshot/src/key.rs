//! Names of layers and of container file systems, safe as file names.

use ids::{ContainerId, Digest};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid key {0:?}: up to 160 of a-z, 0-9 and '-', not starting with '-'")]
pub struct InvalidKey(String);

fn check(text: &str) -> Result<String, InvalidKey> {
    let fits = (1..=160).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if fits { Ok(text.to_owned()) } else { Err(InvalidKey(text.chars().take(200).collect())) }
}

/// An unpacked layer: `<hex>` by the digest of its tar (diff-id), or `c-<hex>` by chain id when its content depends
/// on the layers below it; `-u` at the end when its overlay attributes are of the `user` class.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerKey(String);

impl LayerKey {
    /// Parses a key, such as a file name.
    ///
    /// # Errors
    /// When it is not safe as a file name.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        check(text).map(Self)
    }

    pub(crate) fn of_diff(diff: &Digest, user: bool) -> Self {
        Self(format!("{}{}", diff.hex(), if user { "-u" } else { "" }))
    }

    pub(crate) fn of_chain(chain: &Digest, user: bool) -> Self {
        Self(format!("c-{}{}", chain.hex(), if user { "-u" } else { "" }))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A writable file system, named after its container or by whoever launches without one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SnapshotKey(String);

impl SnapshotKey {
    /// Parses a key, such as a file name.
    ///
    /// # Errors
    /// When it is not safe as a file name.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        check(text).map(Self)
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&ContainerId> for SnapshotKey {
    fn from(id: &ContainerId) -> Self {
        Self(id.as_str().to_owned())
    }
}

macro_rules! text {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $type {
            type Error = InvalidKey;
            fn try_from(text: String) -> Result<Self, InvalidKey> {
                Self::parse(&text)
            }
        }
        impl From<$type> for String {
            fn from(key: $type) -> String {
                key.0
            }
        }
    };
}
text!(LayerKey);
text!(SnapshotKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_file_names_are_keys() {
        let digest = Digest::from_sha256([1; 32]);
        for key in [LayerKey::of_diff(&digest, false), LayerKey::of_chain(&digest, true)] {
            assert_eq!(LayerKey::parse(key.as_str()).unwrap(), key);
        }
        for text in ["", ".", "..", "a/b", "A", "-a", "a.b", &"a".repeat(161)] {
            assert!(SnapshotKey::parse(text).is_err(), "{text}");
        }
    }
}
