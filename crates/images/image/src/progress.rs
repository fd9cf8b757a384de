//! Telling a person how far it is.

use ids::Digest;

/// Where one layer stands. Byte counts are of the layer as it travels (compressed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is known, and others come first.
    Waiting,
    /// The store has it already.
    Exists,
    /// It is being transferred.
    Downloading {
        /// So far.
        bytes: u64,
        /// Of how many.
        total: u64,
    },
    /// The transfer broke and is tried again.
    Retrying {
        /// How many seconds from now.
        after_seconds: u64,
        /// Why it broke.
        reason: String,
    },
    /// It is transferred and verified.
    Downloaded,
    /// It is being unpacked.
    Extracting {
        /// So far.
        bytes: u64,
        /// Of how many.
        total: u64,
    },
    /// It is unpacked and verified.
    Done,
}

/// Receives progress, from several threads at once. Calls come at least once per step, and at most every 64 KiB.
pub trait Progress: Send + Sync {
    /// A layer (by the digest of its blob) has come to a step.
    fn layer(&self, blob: &Digest, step: Step);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn layer(&self, _blob: &Digest, _step: Step) {}
}
