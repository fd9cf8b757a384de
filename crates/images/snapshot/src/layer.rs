//! A layer being filled, and what is recorded about it.

use crate::SnapshotError;
use crate::tree::{Usage, make_dir, measure, remove_tree};
use ids::Digest;
use rustix::fs::{FlockOperation, Mode, OFlags};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What is recorded about an unpacked layer (`layer.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerMeta {
    /// Digest of its uncompressed tar.
    pub diff_id: Digest,
    /// Its chain id, when its content depends on the layers below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<Digest>,
    /// Sum of the lengths of what is not a directory, as Docker counts sizes; hard links once.
    pub size: u64,
    /// How many entries its tar had.
    pub entries: u64,
}

/// A directory that a layer is unpacked into. Dropped before it is committed, it is removed.
#[derive(Debug)]
pub struct PendingLayer {
    /// `ingest/<random>`; `None` once published.
    pub(crate) path: Option<PathBuf>,
    /// Its directory, flocked.
    pub(crate) _lock: OwnedFd,
    /// Where entries go: `fs` itself, or an overlay mounted over it.
    pub(crate) target: OwnedFd,
    /// The target is a mounted overlay: whiteouts mean deleting there.
    pub(crate) mounted: bool,
}

/// Opens a directory to resolve below it.
pub(crate) fn open_dir(path: &Path) -> Result<OwnedFd, SnapshotError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(SnapshotError::errno("open", path))
}

impl PendingLayer {
    /// Makes `<dir>/<random>/fs` that is ours by lock; a sweep that comes between is outlived by trying again.
    pub(crate) fn create(dir: &Path) -> Result<Self, SnapshotError> {
        loop {
            let path = dir.join(ids::ExecId::random().as_str());
            make_dir(&path)?;
            let lock = match open_dir(&path) {
                Err(SnapshotError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => continue,
                done => done?,
            };
            let locked = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
            let there =
                rustix::fs::fstat(&lock).map_err(SnapshotError::errno("look at", &path))?.st_nlink > 0;
            if !(locked && there) {
                // Somebody looked at it before we had the lock. It may be gone already.
                let _ = remove_tree(&path);
                continue;
            }
            let fs = path.join("fs");
            std::fs::create_dir(&fs).map_err(SnapshotError::io("create", &fs))?;
            // The root of an image is for everybody, whatever our umask is.
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&fs, mode).map_err(SnapshotError::io("change", &fs))?;
            let target = open_dir(&fs)?;
            return Ok(Self { path: Some(path), _lock: lock, target, mounted: false });
        }
    }

    /// The directory to unpack into.
    #[must_use]
    pub fn target(&self) -> BorrowedFd<'_> {
        self.target.as_fd()
    }

    /// What it takes so far, without what lies below.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn usage(&self) -> Result<Usage, SnapshotError> {
        self.path.as_ref().map_or_else(|| Ok(Usage::default()), |path| measure(&path.join("fs")))
    }

    /// Unmounts the overlay: what was changed in it is in `fs`.
    pub(crate) fn unmount(mut self) -> Result<Self, SnapshotError> {
        if let (true, Some(path)) = (self.mounted, self.path.clone()) {
            // Closing the last descriptor unmounts, and writes nothing more into `fs`.
            self.target = open_dir(&path.join("fs"))?;
            self.mounted = false;
            remove_tree(&path.join("work"))?;
        }
        Ok(self)
    }

    /// Whether the target is a mounted overlay of the parents, where a whiteout deletes (`true`), or a bare directory,
    /// where a whiteout is a mark for overlayfs (`false`).
    #[must_use]
    pub fn is_mounted(&self) -> bool {
        self.mounted
    }
}

impl Drop for PendingLayer {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be deleted now is swept later, since its lock ends with us.
            let _ = remove_tree(path);
        }
    }
}
