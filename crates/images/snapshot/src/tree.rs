//! Directory trees of our own: making, measuring, deleting.

use crate::SnapshotError;
use std::collections::HashSet;
use std::fs::{DirBuilder, DirEntry};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// What a tree takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sum of the lengths of what is not a directory, hard links once: Docker's measure.
    pub bytes: u64,
    /// What is allocated on the disk, directories included, hard links once.
    pub disk_bytes: u64,
    /// Inodes.
    pub inodes: u64,
}

/// Makes a directory and its parents, for the owner only.
pub(crate) fn make_dir(path: &Path) -> Result<(), SnapshotError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(SnapshotError::io("create", path))
}

/// Deletes a tree; whether it was there.
pub(crate) fn remove_tree(path: &Path) -> Result<bool, SnapshotError> {
    match std::fs::remove_dir_all(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(SnapshotError::io("delete", path)(error)),
    }
}

/// Entries of a directory; none when it does not exist.
pub(crate) fn read_dir(dir: &Path) -> Result<Vec<DirEntry>, SnapshotError> {
    match std::fs::read_dir(dir) {
        Ok(entries) => entries.collect::<io::Result<_>>().map_err(SnapshotError::io("read", dir)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(SnapshotError::io("read", dir)(error)),
    }
}

/// Measures a tree without following links. What vanishes meanwhile is not counted.
pub(crate) fn measure(root: &Path) -> Result<Usage, SnapshotError> {
    let mut usage = Usage::default();
    let mut linked = HashSet::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in read_dir(&dir)? {
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(SnapshotError::io("look at", &entry.path())(error)),
            };
            if metadata.is_dir() {
                open.push(entry.path());
            } else if metadata.nlink() > 1 && !linked.insert((metadata.dev(), metadata.ino())) {
                continue;
            } else {
                usage.bytes += metadata.len();
            }
            usage.disk_bytes += metadata.blocks() * 512;
            usage.inodes += 1;
        }
    }
    Ok(usage)
}
