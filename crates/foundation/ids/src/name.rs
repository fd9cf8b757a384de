//! Names that people choose.

use crate::{InvalidId, text_traits};
use serde::{Deserialize, Serialize};

/// Docker's rule for names: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, with `min` characters at least.
fn fits_docker_rule(text: &str, min: usize) -> bool {
    let mut bytes = text.bytes();
    text.len() >= min
        && text.len() <= 255
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $min:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Parses a name.
            ///
            /// # Errors
            /// When the text does not match `[a-zA-Z0-9][a-zA-Z0-9_.-]*` or is longer than 255 bytes.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if fits_docker_rule(text, $min) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId {
                        kind: $kind,
                        text: text.to_owned(),
                        rule: "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                    })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        text_traits!($type, InvalidId);
    };
}

name!(
    /// The name of a container, without Docker's leading slash; two characters at least.
    ContainerName, "container name", 2
);
name!(
    /// The name of a network.
    NetworkName, "network name", 1
);
name!(
    /// The name of a volume; two characters at least.
    VolumeName, "volume name", 2
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_rule() {
        for good in ["web", "a.b-c_d", "0a", "A9"] {
            assert!(ContainerName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-a", ".hidden", "a/b", "a b", "ä1", "..", &"a".repeat(256)] {
            assert!(ContainerName::parse(bad).is_err(), "{bad}");
        }
    }
}
