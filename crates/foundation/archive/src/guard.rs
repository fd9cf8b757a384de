//! The decisions that keep a hostile archive inside its target and within bounds.
//!
//! They stand together here so that the feature `weakened` can take out exactly these and the escape tests
//! (`tests/archive/escape.rs`) can show that each of their attacks succeeds without them. The weakened half does what a
//! naive extractor does: it joins strings and lets the kernel follow whatever it finds.

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

#[cfg(not(feature = "weakened"))]
mod rules {
    use super::{AtFlags, BorrowedFd, Mode, OFlags, OsStr, OwnedFd, Path, Stat};

    /// Opens a directory below `root`, reading links as a process chrooted there would.
    pub(crate) fn open_directory(root: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<OwnedFd> {
        kernel::path::open_in_root(root, path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
    }

    /// Creates a file that was not there before; whatever is there is never opened or followed.
    pub(crate) fn create_file(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)
    }

    /// Whether a path may have this component, or a whiteout hide this name.
    pub(crate) fn component_allowed(component: &[u8]) -> bool {
        !matches!(component, b"" | b"." | b"..") && component.len() <= 255
    }

    /// What of an absolute path is kept before its first component: nothing, it is relative to the target.
    pub(crate) fn anchor(_path: &[u8]) -> &'static [u8] {
        b""
    }

    /// Opens the directory of that name and never what a link of that name points to.
    pub(crate) fn enter(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(parent, name, flags, Mode::empty())
    }

    /// Looks at what has that name, which may be a link.
    pub(crate) fn look_at(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<Stat> {
        rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Whether an archive may set this attribute: overlayfs's own would hide or redirect what is below.
    pub(crate) fn xattr_allowed(name: &[u8]) -> bool {
        !crate::node::is_overlay_name(name)
    }

    /// Whether `count` is over its bound.
    pub(crate) fn exceeds(count: u64, limit: u64) -> bool {
        count > limit
    }
}

#[cfg(feature = "weakened")]
mod rules {
    use super::{AtFlags, BorrowedFd, Mode, OFlags, OsStr, OwnedFd, Path, Stat};

    pub(crate) fn open_directory(root: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<OwnedFd> {
        rustix::fs::openat(root, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    pub(crate) fn create_file(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)
    }

    pub(crate) fn component_allowed(_component: &[u8]) -> bool {
        true
    }

    pub(crate) fn anchor(path: &[u8]) -> &'static [u8] {
        if path.starts_with(b"/") { b"/" } else { b"" }
    }

    pub(crate) fn enter(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<OwnedFd> {
        rustix::fs::openat(parent, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    pub(crate) fn look_at(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<Stat> {
        rustix::fs::statat(parent, name, AtFlags::empty())
    }

    pub(crate) fn xattr_allowed(_name: &[u8]) -> bool {
        true
    }

    pub(crate) fn exceeds(_count: u64, _limit: u64) -> bool {
        false
    }
}

pub(crate) use rules::{
    anchor, component_allowed, create_file, enter, exceeds, look_at, open_directory, xattr_allowed,
};
