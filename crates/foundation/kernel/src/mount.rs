//! The mount calls that rustix lacks (mount_setattr(2), the messages of a file system context).
//!
//! Caller is the runtime. Mounts are descriptors until they are put in their place, and a place is a descriptor too.

use crate::process::check;
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use std::os::fd::{AsRawFd, BorrowedFd};

/// How mount events travel between a mount and its peers (mount_namespaces(7), "Shared subtrees").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// Both ways.
    Shared,
    /// From the peers to here.
    Slave,
    /// Not at all.
    Private,
    /// Not at all, and it cannot be bind mounted.
    Unbindable,
}

impl Propagation {
    /// The `MS_…` bit.
    #[must_use]
    pub const fn bit(self) -> u64 {
        match self {
            Propagation::Unbindable => 1 << 17,
            Propagation::Private => 1 << 18,
            Propagation::Slave => 1 << 19,
            Propagation::Shared => 1 << 20,
        }
    }
}

/// What to change on a mount; the default changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Attributes to set.
    pub set: MountAttrFlags,
    /// Attributes to clear; `MOUNT_ATTR__ATIME` must be here when an access time attribute is set.
    pub clear: MountAttrFlags,
    /// The new propagation.
    pub propagation: Option<Propagation>,
    /// The user namespace whose mapping the mount shows its owners through; needs `MOUNT_ATTR_IDMAP` in `set`.
    pub idmap: Option<BorrowedFd<'a>>,
}

impl Default for Change<'_> {
    fn default() -> Self {
        Change {
            set: MountAttrFlags::empty(),
            clear: MountAttrFlags::empty(),
            propagation: None,
            idmap: None,
        }
    }
}

impl Change<'_> {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.clear.is_empty() && self.propagation.is_none()
    }
}

/// `struct mount_attr` of mount_setattr(2), first version.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Changes the mount whose root is the open `mount`, and those below it when `recursive` (Linux 5.12).
///
/// # Errors
/// Whatever mount_setattr(2) reports; `INVAL` when the descriptor is not a mount's root.
pub fn set_attributes(mount: BorrowedFd<'_>, change: &Change<'_>, recursive: bool) -> rustix::io::Result<()> {
    let attributes = MountAttr {
        set: u64::from(change.set.bits()),
        clear: u64::from(change.clear.bits()),
        propagation: change.propagation.map_or(0, Propagation::bit),
        userns_fd: change.idmap.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the descriptors are borrowed and so open, the path is a static C string, the structure has the size
    // that is passed and outlives the call.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    check(answer).map(drop)
}

/// What the kernel wrote about the last failure of a file system context (fsopen(2)), if anything; lines without
/// their `e `, `w `, `i ` marks, joined by `; `, at most 1 KiB.
#[must_use]
pub fn context_messages(context: BorrowedFd<'_>) -> String {
    let mut text = String::new();
    let mut buffer = [0u8; 512];
    while text.len() < 1024 {
        // One read gives one message; ENODATA ends them.
        match rustix::io::read(context, &mut buffer) {
            Err(Errno::INTR) => {}
            Err(_) | Ok(0) => break,
            Ok(length) => {
                let line = String::from_utf8_lossy(&buffer[..length]);
                let line = line.trim_end();
                let line =
                    line.split_once(' ').filter(|(mark, _)| mark.len() == 1).map_or(line, |(_, rest)| rest);
                if !text.is_empty() {
                    text.push_str("; ");
                }
                text.push_str(line);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::mount::{FsMountFlags, FsOpenFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen};
    use std::os::fd::AsFd;

    #[test]
    fn a_detached_mount_becomes_read_only() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).unwrap();
        fsconfig_create(&context).unwrap();
        let mount = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).unwrap();
        rustix::fs::mkdirat(&mount, "a", rustix::fs::Mode::RWXU).unwrap();
        let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
        set_attributes(mount.as_fd(), &change, true).unwrap();
        assert_eq!(rustix::fs::mkdirat(&mount, "b", rustix::fs::Mode::RWXU).unwrap_err(), Errno::ROFS);
    }

    #[test]
    fn a_refused_option_is_explained() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).unwrap();
        fsconfig_set_string(&context, "no-such-option", "1").unwrap_err();
        assert!(context_messages(context.as_fd()).contains("no-such-option"));
        assert_eq!(context_messages(context.as_fd()), "");
    }
}
