//! Making a tree survive a loss of power before its name appears.

use crate::SnapshotError;
use crate::layer::open_dir;
use crate::tree::read_dir;
use rustix::fs::{Mode, OFlags};
use std::path::Path;

/// Up to this many entries are synced one by one; syncfs(2) waits for everything that anybody wrote to the file
/// system, which on a busy machine takes far longer than a few files.
const ONE_BY_ONE_MAX: u64 = 64;

/// Syncs the trees, which lie on one file system.
pub(crate) fn sync_trees(trees: &[(&Path, u64)]) -> Result<(), SnapshotError> {
    let entries: u64 = trees.iter().map(|(_, entries)| entries).sum();
    if entries <= ONE_BY_ONE_MAX {
        return trees.iter().try_for_each(|(tree, _)| sync_each(tree));
    }
    match trees.first() {
        Some((tree, _)) => rustix::fs::syncfs(open_dir(tree)?).map_err(SnapshotError::errno("sync", tree)),
        None => Ok(()),
    }
}

fn sync_each(dir: &Path) -> Result<(), SnapshotError> {
    for entry in read_dir(dir)? {
        let path = entry.path();
        let kind = entry.file_type().map_err(SnapshotError::io("look at", &path))?;
        if kind.is_dir() {
            sync_each(&path)?;
        } else if kind.is_file() {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
            let file =
                rustix::fs::open(&path, flags, Mode::empty()).map_err(SnapshotError::errno("open", &path))?;
            rustix::fs::fsync(&file).map_err(SnapshotError::errno("sync", &path))?;
        }
    }
    // Links, devices and pipes have no content: their directory holds them.
    sync_dir(dir)
}

/// Makes the names in a directory survive.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), SnapshotError> {
    rustix::fs::fsync(open_dir(dir)?).map_err(SnapshotError::errno("sync", dir))
}
