//! The root file system in the child's mount namespace.
//!
//! The new root is put on top of `/`, where nothing of the host has to make room for it. The child's own root
//! directory stays below it until pivot_root(2), and every path is resolved from the new root's descriptor.

use super::{Fault, Outcome};
use crate::guard;
use crate::options::Recursion;
use crate::sources::{Root, overlay};
use kernel::mount::{Change, Propagation};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags, mount_change, move_mount, unmount,
};
use std::os::fd::{BorrowedFd, OwnedFd};

/// Makes every inherited mount private. Without this, unmounting them later would unmount the host's as well.
pub(super) fn isolate() -> Outcome {
    Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

/// Puts the root file system on top of `/` and returns its root directory.
pub(super) fn attach(root: &Root) -> Result<OwnedFd, Fault> {
    match root {
        Root::Mounted(mount) => {
            move_mount(mount, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
            Ok(rustix::io::fcntl_dupfd_cloexec(mount, 3)?)
        }
        Root::Shared { mount, place } => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let place = rustix::fs::openat(CWD, place, flags, Mode::empty())?;
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
            move_mount(mount, "", &place, "", flags)?;
            Ok(rustix::io::fcntl_dupfd_cloexec(mount, 3)?)
        }
        Root::Overlay(layers) => {
            overlay::mount_on_root(layers)?;
            // Our root directory is still the one below; its parent, by definition itself, is looked up anew and
            // found to be covered (path_resolution(7), "..").
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(rustix::fs::openat(CWD, "/..", flags, Mode::empty())?)
        }
    }
}

/// Gives the root its last attributes, when everything is in its place.
pub(super) fn finish(
    root: BorrowedFd<'_>,
    readonly: bool,
    propagation: Option<(Propagation, Recursion)>,
) -> Outcome {
    if let Some((propagation, recursion)) = propagation {
        let change = Change { propagation: Some(propagation), ..Change::default() };
        kernel::mount::set_attributes(root, &change, recursion == Recursion::All)?;
    }
    if readonly {
        let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
        kernel::mount::set_attributes(root, &change, false)?;
    }
    Ok(())
}

/// Makes the new root the root directory and detaches the old one (pivot_root(2), "pivot_root(".", ".")").
pub(super) fn pivot(root: BorrowedFd<'_>) -> Outcome {
    rustix::process::fchdir(root)?;
    rustix::process::pivot_root(".", ".").map_err(|errno| match errno {
        Errno::INVAL => Fault {
            errno,
            detail: "the host's root directory must be a mount with a parent; an initramfs is none"
                .to_owned(),
        },
        other => other.into(),
    })?;
    guard::leave_old_root()?;
    Ok(rustix::process::chdir("/")?)
}

/// Makes the new root the root directory and leaves the old one where it is.
pub(super) fn change(root: BorrowedFd<'_>) -> Outcome {
    rustix::process::fchdir(root)?;
    rustix::process::chroot(".")?;
    Ok(rustix::process::chdir("/")?)
}

/// Takes a root away again that was put into somebody else's mount namespace.
pub(super) fn withdraw(root: BorrowedFd<'_>) -> Outcome {
    rustix::process::fchdir(root)?;
    Ok(unmount(".", UnmountFlags::DETACH)?)
}
