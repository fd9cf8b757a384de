//! What can go wrong with content.

use ids::Digest;
use std::io;
use std::path::{Path, PathBuf};

/// An operation on blobs failed.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// There is no such blob.
    #[error("blob {digest} is not in the store")]
    Missing {
        /// The blob that was asked for.
        digest: Digest,
    },
    /// The bytes are not what their digest promises.
    #[error("content has the digest {actual}, but {expected} was promised")]
    Digest {
        /// What was promised.
        expected: Digest,
        /// What the bytes hash to.
        actual: Digest,
    },
    /// There are more or fewer bytes than promised.
    #[error("content is {actual} bytes long, but {expected} bytes were promised")]
    Length {
        /// What was promised.
        expected: u64,
        /// How many came; for too many, the count at which reading stopped.
        actual: u64,
    },
    /// There are more bytes than the caller is willing to take.
    #[error("content is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ContentError {
    /// Adds the verb and the path to a failure of the file system.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl From<ContentError> for io::Error {
    /// For adapters that must speak `io::Error`; the cause stays reachable by downcast.
    fn from(error: ContentError) -> Self {
        Self::other(error)
    }
}
