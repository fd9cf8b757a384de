//! The root file system in the child's mount namespace.
//!
//! The new root is put on top of `/`, where nothing of the host has to make room for it. The child's own root
//! directory stays below it until pivot_root(2), and every path is resolved from the new root's descriptor.

use super::{Fault, Outcome};
use crate::options::Recursion;
use kernel::mount::{Change, Propagation};
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags, mount_change, move_mount, unmount,
};
use std::os::fd::BorrowedFd;

/// Makes every inherited mount private. Without this, unmounting them later would unmount the host's as well.
pub(super) fn isolate() -> Outcome {
    Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

/// Puts the root file system on top of `/`.
pub(super) fn attach(root: BorrowedFd<'_>) -> Outcome {
    Ok(move_mount(root, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
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
    // The old root now lies on top of the new one, at ".".
    unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}
