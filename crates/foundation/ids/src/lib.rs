//! Validated identifiers and names.
//!
//! Every name that crosses a boundary (command line, API, disk, registry) is parsed here once and is a type of
//! its own afterwards, so that a container id cannot be passed where a network name is meant.

mod digest;
mod hex_id;
mod name;
mod reference;

pub use digest::{Algorithm, Digest};
pub use hex_id::{ContainerId, EndpointId, ExecId, InstanceId, NetworkId, SandboxId};
pub use name::{ContainerName, NetworkName, VolumeName};
pub use reference::{DEFAULT_REGISTRY, DEFAULT_TAG, Reference, ReferenceError};

/// A text is not of the form that its type asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} {text:?}: {rule}")]
pub struct InvalidId {
    /// What was being parsed, as a person calls it ("container name").
    pub kind: &'static str,
    /// The text as it came.
    pub text: String,
    /// The rule it breaks, in words.
    pub rule: &'static str,
}

/// Implements the traits of a validated string: `FromStr`, `Display`, `AsRef<str>`, and serde through text.
macro_rules! text_traits {
    ($type:ident, $error:ty) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
        impl std::str::FromStr for $type {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $type {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.as_str().to_owned()
            }
        }
    };
}
pub(crate) use text_traits;
