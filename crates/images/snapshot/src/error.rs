//! What can go wrong with layers and container file systems.

use crate::{LayerKey, SnapshotKey};
use std::io;
use std::path::{Path, PathBuf};

/// An operation on layers or container file systems failed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A layer is not unpacked.
    #[error("layer {key} is not unpacked")]
    MissingLayer {
        /// Which.
        key: LayerKey,
    },
    /// There is no such file system, or its making was cut short.
    #[error("there is no file system of {key}")]
    MissingSnapshot {
        /// Whose.
        key: SnapshotKey,
    },
    /// There is one already.
    #[error("there is already a file system of {key}")]
    Exists {
        /// Whose.
        key: SnapshotKey,
    },
    /// More layers than overlayfs stacks.
    #[error("{count} layers are more than the {limit} that can be stacked")]
    TooDeep {
        /// How many.
        count: usize,
        /// How many at most.
        limit: usize,
    },
    /// A record of ours cannot be understood.
    #[error("{} is damaged", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// overlayfs refused.
    #[error("cannot {action} an overlay of {layers} layers")]
    Overlay {
        /// What was tried, as a verb.
        action: &'static str,
        /// How many layers.
        layers: usize,
        /// Why not.
        source: io::Error,
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

impl SnapshotError {
    /// Adds the verb and the path to a failure of the file system.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// The same for calls that report an errno.
    pub(crate) fn errno(action: &'static str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> Self {
        let path = path.to_owned();
        move |errno| Self::Io { action, path, source: errno.into() }
    }
}
