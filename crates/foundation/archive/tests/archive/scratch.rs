//! A directory with a target and something outside of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Removed at the end.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    /// `root/`, empty, beside `outside/secret`.
    pub(crate) fn new() -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        fs::create_dir(scratch.root()).unwrap();
        fs::create_dir(scratch.outside()).unwrap();
        fs::write(scratch.outside().join("secret"), "untouched").unwrap();
        scratch
    }

    #[cfg(not(feature = "weakened"))]
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.0.path().join("outside")
    }

    pub(crate) fn root_fd(&self) -> OwnedFd {
        open(&self.root())
    }
}

pub(crate) fn open(path: &Path) -> OwnedFd {
    kernel::path::open_root(path).unwrap()
}

pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: needs root");
    }
    root
}

/// Recorded owners need root.
pub(crate) fn ownership() -> archive::Ownership<'static> {
    let root = rustix::process::geteuid().is_root();
    if root { archive::Ownership::Recorded } else { archive::Ownership::Caller }
}

/// Everything that a tree shows, one line for each path: type, mode, owner, links, device, size, time, attributes,
/// and a digest of the content.
pub(crate) fn listing(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    list(root, root, &mut found);
    found
}

fn list(root: &Path, path: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let meta = fs::symlink_metadata(path).unwrap();
    let content = if meta.is_file() {
        format!("{:016x}", fnv(&fs::read(path).unwrap()))
    } else if meta.is_symlink() {
        fs::read_link(path).unwrap().display().to_string()
    } else {
        String::new()
    };
    // The size of a directory is the file system's own matter, and so is the count of its links.
    let (size, links) = if meta.is_dir() { (0, 0) } else { (meta.size(), meta.nlink()) };
    let line = format!(
        "{:o} {}:{} links {links} dev {} size {size} time {}.{:09} {} {content}",
        meta.mode(),
        meta.uid(),
        meta.gid(),
        meta.rdev(),
        meta.mtime(),
        meta.mtime_nsec(),
        xattrs(path),
    );
    found.insert(path.strip_prefix(root).unwrap().to_owned(), line);
    if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            list(root, &entry.unwrap().path(), found);
        }
    }
}

fn xattrs(path: &Path) -> String {
    let mut names = vec![0u8; 4096];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    let mut lines = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0u8; 4096];
        let name = std::ffi::OsStr::from_bytes(name);
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
        lines.push(format!("{}={:?}", name.display(), &value[..length]));
    }
    lines.sort();
    lines.join(",")
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
