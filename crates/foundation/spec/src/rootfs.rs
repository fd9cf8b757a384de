//! Where a container's root file system comes from.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The plan of a root file system. Made by a snapshotter or from a bundle; mounted by the runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Rootfs {
    /// An overlay of read-only layers, mounted anew in the container's mount namespace.
    Overlay {
        /// The layers, topmost first.
        lowers: Vec<PathBuf>,
        /// The writable layer; absent for a read-only view.
        upper: Option<PathBuf>,
        /// overlayfs's work directory, on the same file system as `upper`.
        work: Option<PathBuf>,
        /// Whiteouts and opaque marks are `user.overlay.*` (made without privilege) instead of `trusted.overlay.*`.
        #[serde(default)]
        userxattr: bool,
    },
    /// A directory as it is.
    Dir {
        /// The directory.
        path: PathBuf,
    },
    /// An EROFS image, below an overlay when there is an upper layer.
    Erofs {
        /// The image files, topmost first.
        images: Vec<PathBuf>,
        /// The writable layer.
        upper: Option<PathBuf>,
        /// overlayfs's work directory.
        work: Option<PathBuf>,
    },
    /// A block device with a file system.
    Block {
        /// The device node.
        device: PathBuf,
        /// The file system's type, as in `/proc/filesystems`.
        filesystem: String,
    },
}
