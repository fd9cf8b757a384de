//! What came of applying a layer.

use crate::fs_error::FsError;
use crate::read_error::ReadError;
use std::path::PathBuf;

/// A hard link to a file that this layer does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingHardLink {
    /// Where the link should be, relative to the target.
    pub path: PathBuf,
    /// The file that it is another name of, in a layer below.
    pub target: PathBuf,
}

/// An extended attribute that was left out because the file system does not keep it or we may not set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedXattr {
    /// The entry.
    pub path: PathBuf,
    /// The attribute.
    pub name: String,
    /// Why: `NOTSUP` or `PERM`.
    pub errno: rustix::io::Errno,
}

/// What was applied, and what the layer leaves open.
///
/// A layer with neither [`implied_dirs`](Self::implied_dirs) nor
/// [`missing_hardlinks`](Self::missing_hardlinks) does not depend on the layers below it: its directory can stand
/// for its diff-id. Another one can only stand for a chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Entries applied, whiteouts included.
    pub entries: u64,
    /// Bytes of content written.
    pub bytes: u64,
    /// Directories that entries stand in without the archive having them, relative to the target, sorted. They
    /// belong to root with mode 0755 at the epoch, unless the layers below said better.
    pub implied_dirs: Vec<PathBuf>,
    /// Hard links not made, in the order of the archive.
    pub missing_hardlinks: Vec<MissingHardLink>,
    /// The first attributes left out.
    pub skipped_xattrs: Vec<SkippedXattr>,
    /// How many were left out in all.
    pub skipped_xattr_count: u64,
}

/// Why an entry was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `..`, or a name that no file system takes.
    #[error("its path has a `..` or an overlong component")]
    Path,
    /// Too many components.
    #[error("its path has more than {limit} components")]
    TooDeep {
        /// The bound.
        limit: u64,
    },
    /// The target itself as something else than a directory.
    #[error("the root must be a directory")]
    Root,
    /// A `.wh.` that names nothing, or nothing that may be hidden.
    #[error("not a valid whiteout")]
    Whiteout,
    /// A component that begins with `.wh.` and is not the last.
    #[error("a directory may not be called `.wh.`")]
    WhiteoutParent,
    /// A device 0:0, which overlayfs takes for a whiteout.
    #[error("a character device 0:0 is a whiteout to overlayfs")]
    WhiteoutDevice,
    /// A hard link to something that is not there.
    #[error("it is a hard link to {target:?}, which does not exist")]
    NoLinkTarget {
        /// The link's target.
        target: PathBuf,
    },
    /// A hard link to a directory or to what a whiteout hides.
    #[error("it is a hard link to {target:?}, which cannot be linked to")]
    LinkTarget {
        /// The link's target.
        target: PathBuf,
    },
    /// A directory is where something else should go, and is to be kept.
    #[error("cannot overwrite a directory with a non-directory")]
    OverDirectory,
    /// Something else is where a directory should go, and is to be kept.
    #[error("cannot overwrite a non-directory with a directory")]
    OverNonDirectory,
    /// An id without a place in the map.
    #[error("user {uid} or group {gid} is not in the id map")]
    Unmapped {
        /// The user id.
        uid: u32,
        /// The group id.
        gid: u32,
    },
    /// More directories implied by paths than there may be entries.
    #[error("the archive implies more directories than the limit of {limit} entries")]
    TooManyImplied {
        /// The bound.
        limit: u64,
    },
}

/// Why a layer could not be applied. The target then holds a part of it and is to be removed by whoever made it.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The archive could not be read.
    #[error("cannot read the layer")]
    Read {
        /// Why.
        #[source]
        source: ReadError,
    },
    /// The archive asks for what it may not have.
    #[error("refused the entry {path:?}: {reason}")]
    Refused {
        /// The entry's path as the archive has it.
        path: PathBuf,
        /// Why.
        reason: Refusal,
    },
    /// The file system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
}

impl From<ReadError> for ApplyError {
    fn from(source: ReadError) -> Self {
        Self::Read { source }
    }
}
