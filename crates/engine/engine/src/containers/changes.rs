//! What a container changed in its file system: `diff`.
//!
//! The writable layer is compared with the layers below it, without mounting anything: what is in it was added or
//! changed, whiteouts and opaque directories were deleted. The container may be running and hostile: its layer is read
//! by descriptor and never through a link.

use super::file_system::FileSystemError;
use super::layers::{Layers, is_whiteout};
use crate::Engine;
use crate::documents::{self, FileError};
use monitor::desired::Desired;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use spec::rootfs::Rootfs;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What became of a path, in Docker's letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is another than the image's (`C`).
    Changed,
    /// The image does not have it (`A`).
    Added,
    /// The image's is not there any more (`D`).
    Deleted,
}

impl ChangeKind {
    /// Docker's letter.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Changed => 'C',
            Self::Added => 'A',
            Self::Deleted => 'D',
        }
    }
}

/// A path that a container changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileChange {
    /// Absolute, inside.
    pub path: PathBuf,
    /// What became of it.
    pub kind: ChangeKind,
}

/// Deeper trees are not looked through; no program makes paths of more than 4096 bytes.
const DEPTH_MAX: usize = 2048;

/// What the runtime makes so that there is something to mount on, which Docker keeps in a layer of its own.
const MADE_BY_RUNTIME: [&str; 12] = [
    "dev",
    "dev/console",
    "dev/mqueue",
    "dev/pts",
    "dev/shm",
    "etc",
    "etc/hostname",
    "etc/hosts",
    "etc/resolv.conf",
    "proc",
    "sbin/docker-init",
    "sys",
];
/// Directories whose time changes when the runtime makes something in them.
const TOUCHED_BY_RUNTIME: [&str; 4] = ["", "dev", "etc", "sbin"];

impl Engine {
    /// What a container changed since it was made, ordered by path.
    ///
    /// # Errors
    /// See [`FileSystemError`].
    pub fn changes(&self, container: &str) -> Result<Vec<FileChange>, FileSystemError> {
        let container = self.read_container(container)?;
        let directories = self.directories(&container.id);
        let desired = documents::read_desired(&directories)?;
        let Some(desired) = desired else {
            return Err(super::LookupError::Incomplete { id: container.id }.into());
        };
        let failed =
            |source| FileError { action: "read", path: "the changes of the container".into(), source };
        match Comparison::open(&desired).map_err(failed)? {
            Some(comparison) => Ok(comparison.changes().map_err(failed)?),
            None => Ok(Vec::new()),
        }
    }
}

/// A writable layer and what is below it.
pub(super) struct Comparison {
    pub(super) upper: OwnedFd,
    lower: Layers,
    opaque: &'static str,
}

impl Comparison {
    /// `None` for a file system without a writable layer of its own.
    pub(super) fn open(desired: &Desired) -> io::Result<Option<Self>> {
        let Rootfs::Overlay { upper: Some(upper), userxattr, .. } = &desired.rootfs else { return Ok(None) };
        let Some(lower) = Layers::open(&desired.rootfs)? else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let upper = rustix::fs::openat(rustix::fs::CWD, upper, flags, Mode::empty())?;
        let opaque = if *userxattr { "user.overlay.opaque" } else { "trusted.overlay.opaque" };
        Ok(Some(Self { upper, lower, opaque }))
    }

    fn changes(&self) -> io::Result<Vec<FileChange>> {
        let mut found = BTreeSet::new();
        let mut pending = vec![PathBuf::new()];
        while let Some(place) = pending.pop() {
            if place.components().count() > DEPTH_MAX {
                return Err(Errno::LOOP.into());
            }
            self.directory(&place, &mut found, &mut pending)?;
        }
        let change =
            |(path, kind): (PathBuf, ChangeKind)| FileChange { path: Path::new("/").join(path), kind };
        Ok(found.into_iter().map(change).collect())
    }

    /// Looks through one directory of the writable layer; those in it are left for later.
    fn directory(
        &self,
        place: &Path,
        found: &mut BTreeSet<(PathBuf, ChangeKind)>,
        pending: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        let Some(directory) = self.open_directory(place)? else { return Ok(()) };
        let names = names(&directory)?;
        if self.is_opaque(&directory)? {
            let hidden = self.lower.names(place)?;
            found.extend(
                hidden
                    .into_iter()
                    .filter(|name| !names.contains(name))
                    .map(|name| (place.join(name), ChangeKind::Deleted)),
            );
        }
        let mut here = false;
        for name in names {
            let path = place.join(&name);
            let stat = match rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
                // Removed since it was listed.
                Err(Errno::NOENT) => continue,
                stat => stat?,
            };
            let below = self.lower.stat(&path)?;
            let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            let kind = match &below {
                _ if is_whiteout(&stat) => ChangeKind::Deleted,
                None if is_made_by_runtime(&path, &stat) => {
                    if is_directory {
                        pending.push(path);
                    }
                    continue;
                }
                None => ChangeKind::Added,
                Some(below) if is_directory && is_same_directory(&path, &stat, below) => {
                    pending.push(path);
                    continue;
                }
                Some(_) => ChangeKind::Changed,
            };
            // A mark over nothing hides nothing.
            if kind == ChangeKind::Deleted && below.is_none() {
                continue;
            }
            here |= kind != ChangeKind::Changed;
            if is_directory {
                pending.push(path.clone());
            }
            found.insert((path, kind));
        }
        // Whatever its time says, a directory in which something came or went was changed.
        if here && !place.as_os_str().is_empty() && !found.iter().any(|(path, _)| path == place) {
            found.insert((place.to_owned(), ChangeKind::Changed));
        }
        Ok(())
    }

    fn open_directory(&self, place: &Path) -> io::Result<Option<OwnedFd>> {
        let path = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        match kernel::path::open_beneath_no_symlinks(self.upper.as_fd(), path, flags, Mode::empty()) {
            Ok(directory) => Ok(Some(directory)),
            // It was a directory a moment ago.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn is_opaque(&self, directory: &OwnedFd) -> io::Result<bool> {
        let mut value = [0u8; 4];
        match rustix::fs::fgetxattr(directory, self.opaque, &mut value[..]) {
            Ok(length) => Ok(length == 1 && value[0] == b'y'),
            Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether an object of the writable layer is nothing but a place that the runtime mounts on: it is no part of
    /// what the container made.
    pub(super) fn is_placeholder(&self, path: &Path) -> bool {
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let found = kernel::path::open_beneath_no_symlinks(self.upper.as_fd(), path, flags, Mode::empty());
        let Ok(stat) = found.and_then(rustix::fs::fstat) else { return false };
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let is_empty = !is_directory
            || matches!(self.open_directory(path), Ok(Some(directory)) if names(&directory)
                .is_ok_and(|names| names.iter().all(|name| self.is_placeholder(&path.join(name)))));
        is_empty && is_made_by_runtime(path, &stat) && matches!(self.lower.stat(path), Ok(None))
    }
}

fn names(directory: &OwnedFd) -> io::Result<BTreeSet<OsString>> {
    let mut names = BTreeSet::new();
    for entry in Dir::read_from(directory)? {
        let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
        if name != "." && name != ".." {
            names.insert(name);
        }
    }
    Ok(names)
}

/// An empty file or a directory at one of the runtime's places.
fn is_made_by_runtime(path: &Path, stat: &Stat) -> bool {
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    (is_directory || stat.st_size == 0) && MADE_BY_RUNTIME.iter().any(|made| Path::new(made) == path)
}

/// Whether a directory was copied up for something in it and is otherwise what it was.
fn is_same_directory(path: &Path, stat: &Stat, below: &Stat) -> bool {
    let attributes = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid);
    let time = |stat: &Stat| (stat.st_mtime, stat.st_mtime_nsec);
    let touched = TOUCHED_BY_RUNTIME.iter().any(|touched| Path::new(touched) == path);
    attributes(stat) == attributes(below) && (touched || time(stat) == time(below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::XattrFlags;
    use std::fs;

    /// Three layers with one of everything, the topmost being the container's.
    #[test]
    fn every_kind_of_change() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for name in [
            "upper/new/dir",
            "upper/gone-again",
            "one/kept",
            "one/redone",
            "two/kept",
            "two/redone",
            "two/etc",
            "upper/etc",
        ] {
            fs::create_dir_all(path(name)).unwrap();
        }
        for name in [
            "upper/new/dir/f",
            "upper/kept/x",
            "upper/redone/n",
            "one/redone/a",
            "two/redone/b",
            "two/kept/y",
            "two/file",
            "two/twice",
            "upper/etc/hosts",
        ] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), if name.ends_with("hosts") { "" } else { "x" }).unwrap();
        }
        fs::write(path("upper/file"), "other").unwrap();
        let hide = |name: &str| {
            rustix::fs::mknodat(rustix::fs::CWD, path(name), FileType::CharacterDevice, Mode::empty(), 0)
                .unwrap();
        };
        hide("upper/kept/y");
        hide("upper/never-was");
        hide("one/twice");
        hide("upper/twice");
        rustix::fs::setxattr(path("upper/redone"), "trusted.overlay.opaque", b"y", XattrFlags::empty())
            .unwrap();
        let rootfs = Rootfs::Overlay {
            lowers: vec![path("one"), path("two")],
            upper: Some(path("upper")),
            work: Some(path("work")),
            userxattr: false,
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let comparison = Comparison {
            upper: rustix::fs::open(path("upper"), flags, Mode::empty()).unwrap(),
            lower: Layers::open(&rootfs).unwrap().unwrap(),
            opaque: "trusted.overlay.opaque",
        };
        let shown: Vec<String> = comparison
            .changes()
            .unwrap()
            .iter()
            .map(|change| format!("{} {}", change.kind.letter(), change.path.display()))
            .collect();
        let expected = [
            "C /file",
            "A /gone-again",
            "C /kept",
            "A /kept/x",
            "D /kept/y",
            "A /new",
            "A /new/dir",
            "A /new/dir/f",
            "C /redone",
            "D /redone/a",
            "D /redone/b",
            "A /redone/n",
        ];
        assert_eq!(shown, expected);
        assert!(
            comparison.is_placeholder(Path::new("etc/hosts"))
                && !comparison.is_placeholder(Path::new("file"))
        );
    }
}
