//! What every use case may run into: the stores themselves.

use content::{ContentError, ReferenceStoreError};
use ids::Digest;
use snapshot::SnapshotError;

/// The store of images failed, or what it holds is damaged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Blobs.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// Layers and container file systems.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Names.
    #[error(transparent)]
    Names(#[from] ReferenceStoreError),
    /// A document is no JSON of its kind.
    #[error("the {kind} {digest} cannot be understood")]
    Syntax {
        /// `manifest`, `index` or `image configuration`.
        kind: &'static str,
        /// Which.
        digest: Digest,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A document says what cannot be, or what we do not do.
    #[error("the {kind} {digest} {problem}")]
    Invalid {
        /// `manifest`, `index` or `image configuration`.
        kind: &'static str,
        /// Which.
        digest: Digest,
        /// What is wrong with it, as a predicate.
        problem: String,
    },
}
