//! Owner, mode, extended attributes and time, put on what was made.
//!
//! The order matters: chown(2) clears set-id bits and file capabilities, and a file that is not writable takes no
//! `user.*` attribute from an unprivileged owner; so owner, attributes, mode, time.

use crate::entry::{Timestamp, Xattr};
use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

/// What an object shall have besides its content.
pub(crate) struct Attributes<'a> {
    /// `None` leaves it to the calling process.
    pub(crate) owner: Option<(u32, u32)>,
    pub(crate) mode: u32,
    pub(crate) mtime: Timestamp,
    pub(crate) xattrs: &'a [Xattr],
}

/// An attribute that the file system or our rights did not let us set.
pub(crate) struct Skipped {
    pub(crate) name: Vec<u8>,
    pub(crate) errno: Errno,
}

impl Attributes<'_> {
    fn ids(&self) -> (Option<Uid>, Option<Gid>) {
        self.owner.map_or((None, None), |(uid, gid)| (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))))
    }

    /// On an open file or directory, all but the time.
    pub(crate) fn set_on_open(&self, fd: BorrowedFd<'_>) -> rustix::io::Result<Vec<Skipped>> {
        if self.owner.is_some() {
            let (uid, gid) = self.ids();
            rustix::fs::fchown(fd, uid, gid)?;
        }
        let set = |xattr: &Xattr| {
            rustix::fs::fsetxattr(fd, OsStr::from_bytes(&xattr.name), &xattr.value, XattrFlags::empty())
        };
        let skipped = set_xattrs(self.xattrs, set)?;
        rustix::fs::fchmod(fd, Mode::from_raw_mode(self.mode))?;
        Ok(skipped)
    }

    /// The time of an open file or directory.
    pub(crate) fn set_time(&self, fd: BorrowedFd<'_>) -> rustix::io::Result<()> {
        rustix::fs::futimens(fd, &times(self.mtime))
    }

    /// Everything, on an object that cannot be opened (a link, a device, a pipe), held by an `O_PATH` descriptor.
    pub(crate) fn set_on_held(
        &self,
        held: BorrowedFd<'_>,
        is_link: bool,
    ) -> rustix::io::Result<Vec<Skipped>> {
        if self.owner.is_some() {
            let (uid, gid) = self.ids();
            rustix::fs::chownat(held, "", uid, gid, AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW)?;
        }
        // The magic link leads to the held object itself and, if that is a link, no further.
        let path = format!("/proc/self/fd/{}", held.as_raw_fd());
        let set = |xattr: &Xattr| {
            let name = OsStr::from_bytes(&xattr.name);
            rustix::fs::setxattr(path.as_str(), name, &xattr.value, XattrFlags::empty())
        };
        let skipped = set_xattrs(self.xattrs, set)?;
        if !is_link {
            rustix::fs::chmod(path.as_str(), Mode::from_raw_mode(self.mode))?;
        }
        rustix::fs::utimensat(held, "", &times(self.mtime), AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(skipped)
    }
}

fn set_xattrs(
    xattrs: &[Xattr],
    mut set: impl FnMut(&Xattr) -> rustix::io::Result<()>,
) -> rustix::io::Result<Vec<Skipped>> {
    let mut skipped = Vec::new();
    for xattr in xattrs {
        match set(xattr) {
            Ok(()) => {}
            Err(errno @ (Errno::NOTSUP | Errno::PERM)) => {
                skipped.push(Skipped { name: xattr.name.clone(), errno });
            }
            Err(other) => return Err(other),
        }
    }
    Ok(skipped)
}

/// The access time stays that of the unpacking: one as old as the content would be written again at the first read
/// (mount option `relatime`).
pub(crate) fn times(mtime: Timestamp) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime.seconds, tv_nsec: mtime.nanoseconds.into() },
    }
}
