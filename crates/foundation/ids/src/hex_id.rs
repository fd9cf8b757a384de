//! Random identifiers written as lower-case hexadecimal.

use crate::{InvalidId, text_traits};
use serde::{Deserialize, Serialize};

/// `count` random bytes from the kernel, in hexadecimal.
fn random_hex(count: usize) -> String {
    let mut bytes = vec![0u8; count];
    let mut filled = 0;
    while filled < count {
        // getrandom(2) without flags fails only with EINTR, or ENOSYS on kernels far below our floor.
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// A new random identifier.
            #[must_use]
            pub fn random() -> Self {
                Self(random_hex($bytes))
            }

            /// Parses the full form; prefixes are resolved by whoever knows the candidates.
            ///
            /// # Errors
            /// When the text is not exactly the expected count of lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let fits = text.len() == 2 * $bytes
                    && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if fits {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { kind: $kind, text: text.to_owned(), rule: "a fixed count of lower-case hexadecimal digits" })
                }
            }

            /// The whole identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first twelve digits, as shown to people.
            #[must_use]
            pub fn short(&self) -> &str {
                &self.0[..12.min(self.0.len())]
            }
        }
        text_traits!($type, InvalidId);
    };
}

hex_id!(
    /// A container, 32 random bytes as Docker writes them.
    ContainerId, "container id", 32
);
hex_id!(
    /// A sandbox: the namespaces, cgroup and endpoints that one or more containers share. A plain container's
    /// sandbox carries the container's own id.
    SandboxId, "sandbox id", 32
);
hex_id!(
    /// An additional process in a running container.
    ExecId, "exec id", 32
);
hex_id!(
    /// A network.
    NetworkId, "network id", 32
);
hex_id!(
    /// The attachment of a sandbox to a network.
    EndpointId, "endpoint id", 32
);
hex_id!(
    /// One data root; part of every host-global name that the instance makes.
    InstanceId, "instance id", 4
);

impl From<ContainerId> for SandboxId {
    fn from(id: ContainerId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_parse_and_differ() {
        let (a, b) = (ContainerId::random(), ContainerId::random());
        assert_ne!(a, b);
        assert_eq!(ContainerId::parse(a.as_str()), Ok(a));
    }

    #[test]
    fn refuses_wrong_length_case_and_digits() {
        for text in ["", "abc", &"A".repeat(64), &"g".repeat(64), &"../".repeat(22)[..64]] {
            assert!(ContainerId::parse(text).is_err(), "{text}");
        }
    }
}
