//! Hashing as bytes pass.

use ids::{Algorithm, Digest};
use sha2::Digest as _;

/// A running hash of one of the registered algorithms.
#[derive(Clone)]
pub struct Digester(State);

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Digester {
    /// Starts with no bytes.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// The digest of bytes at hand, by SHA-256.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Self::of_with(Algorithm::Sha256, bytes)
    }

    /// The digest of bytes at hand.
    #[must_use]
    pub fn of_with(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        let mut digester = Self::new(algorithm);
        digester.update(bytes);
        digester.finish()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(hash) => hash.update(bytes),
            State::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of everything taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(hash) => Digest::from_sha256(hash.finalize().into()),
            State::Sha512(hash) => {
                let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                Digest::parse(&format!("sha512:{hex}"))
                    .expect("128 lower-case hexadecimal digits are a digest")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_algorithms_give_their_published_values() {
        let sha256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digester::of(b"abc").as_str(), sha256);
        let sha512 = Digester::of_with(Algorithm::Sha512, b"abc");
        assert!(sha512.as_str().starts_with("sha512:ddaf35a193617abacc417349ae204131"));
    }
}
