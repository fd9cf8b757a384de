//! One object of a tree, held by an `O_PATH` descriptor.
//!
//! A device, a pipe or a link is never opened: what needs more than `O_PATH` gives goes through `/proc/self/fd`,
//! which leads to the very object that is held, whatever has been put in its place since.

use crate::entry::{Timestamp, Xattr};
use rustix::fs::{CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Which object it is, while it exists.
pub(crate) type FileId = (u64, u64);

/// The most that the kernel returns for one attribute or for the list of names (`XATTR_SIZE_MAX`,
/// `XATTR_LIST_MAX`).
const XATTR_MAX: usize = 65_536;

/// An object and what stat(2) says of it.
pub(crate) struct Node {
    fd: OwnedFd,
    pub(crate) stat: Stat,
}

pub(crate) fn id_of(stat: &Stat) -> FileId {
    (stat.st_dev, stat.st_ino)
}

impl Node {
    /// Holds what `name` is in `parent`, without following a link.
    pub(crate) fn open(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<Self> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Self::from_fd(rustix::fs::openat(parent, name, flags, Mode::empty())?)
    }

    /// Holds a descriptor of any kind.
    pub(crate) fn from_fd(fd: OwnedFd) -> rustix::io::Result<Self> {
        let stat = rustix::fs::fstat(&fd)?;
        Ok(Self { fd, stat })
    }

    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    pub(crate) fn id(&self) -> FileId {
        id_of(&self.stat)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn mode(&self) -> u32 {
        self.stat.st_mode & 0o7777
    }

    pub(crate) fn mtime(&self) -> Timestamp {
        Timestamp { seconds: self.stat.st_mtime, nanoseconds: self.stat.st_mtime_nsec as u32 }
    }

    /// Whether overlayfs would take it for a mark that hides what is below (kernel documentation, overlayfs.rst,
    /// "whiteouts and opaque directories").
    pub(crate) fn is_whiteout(&self) -> bool {
        is_whiteout(&self.stat)
    }

    /// The path under which the kernel reaches exactly this object.
    pub(crate) fn magic_path(&self) -> String {
        format!("/proc/self/fd/{}", self.fd.as_raw_fd())
    }

    /// Opens a regular file for reading.
    pub(crate) fn open_file(&self) -> rustix::io::Result<OwnedFd> {
        rustix::fs::openat(CWD, self.magic_path(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Opens a directory for listing.
    pub(crate) fn open_directory(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, ".", flags, Mode::empty())
    }

    pub(crate) fn link_target(&self) -> rustix::io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(&self.fd, "", Vec::new())?.into_bytes())
    }

    /// All extended attributes but those of overlayfs, sorted by name.
    pub(crate) fn xattrs(&self) -> rustix::io::Result<Vec<Xattr>> {
        Ok(self.all_xattrs()?.into_iter().filter(|xattr| !is_overlay_name(&xattr.name)).collect())
    }

    /// All extended attributes, sorted by name.
    pub(crate) fn all_xattrs(&self) -> rustix::io::Result<Vec<Xattr>> {
        let path = self.magic_path();
        let names = match grow(|buffer| rustix::fs::listxattr(path.as_str(), buffer)) {
            Ok(names) => names,
            Err(Errno::NOTSUP) => return Ok(Vec::new()),
            Err(other) => return Err(other),
        };
        let mut xattrs = Vec::new();
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            match grow(|buffer| rustix::fs::getxattr(path.as_str(), OsStr::from_bytes(name), buffer)) {
                Ok(value) => xattrs.push(Xattr { name: name.to_vec(), value }),
                // Removed since, or listed without being readable.
                Err(Errno::NODATA | Errno::NOTSUP) => {}
                Err(other) => return Err(other),
            }
        }
        xattrs.sort();
        Ok(xattrs)
    }

    /// Whether it is a directory that hides what is below it, in either class of attributes.
    pub(crate) fn is_opaque(&self) -> rustix::io::Result<bool> {
        let mut value = [0u8; 4];
        for name in ["trusted.overlay.opaque", "user.overlay.opaque"] {
            match rustix::fs::getxattr(self.magic_path(), name, &mut value[..]) {
                Ok(1) if value[0] == b'y' => return Ok(true),
                Ok(_) | Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE | Errno::PERM) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(false)
    }
}

/// A character device 0:0.
pub(crate) fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// Whether an attribute is overlayfs's own, which no archive may set and none carries.
pub(crate) fn is_overlay_name(name: &[u8]) -> bool {
    name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.")
}

/// Calls with a small buffer, and with the largest when that does not do.
fn grow(mut call: impl FnMut(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut small = [0u8; 512];
    match call(&mut small) {
        Ok(length) => Ok(small[..length].to_vec()),
        Err(Errno::RANGE) => {
            let mut large = vec![0u8; XATTR_MAX];
            let length = call(&mut large)?;
            large.truncate(length);
            Ok(large)
        }
        Err(other) => Err(other),
    }
}
