//! Device nodes and the links beside them (config-linux.md, "Devices"; runtime-linux.md, "Dev symbolic links").

use super::{Fault, Outcome, mounts};
use crate::guard;
use crate::options::Recursion;
use crate::plan::{DeviceKind, DeviceStep};
use crate::sources::clone_of;
use kernel::mount::Change;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, makedev};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Makes a node. One that is there already (a volume's, or the image's) must be the same device.
pub(super) fn make(device: &DeviceStep, root: BorrowedFd<'_>) -> Outcome {
    let (parent, name) = guard::make_parents(root, &device.path)?;
    let kind = match device.kind {
        DeviceKind::Character => FileType::CharacterDevice,
        DeviceKind::Block => FileType::BlockDevice,
        DeviceKind::Fifo => FileType::Fifo,
    };
    let number = makedev(device.number.0, device.number.1);
    let mode = Mode::from_raw_mode(device.mode);
    match rustix::fs::mknodat(&parent, name, kind, mode, number) {
        Ok(()) => {}
        Err(Errno::EXIST) => {
            let stat = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if !guard::is_device(&stat, kind, number) {
                return Err(Errno::EXIST.into());
            }
        }
        // A user namespace, or a device cgroup of whoever started us, forbids making nodes.
        Err(Errno::PERM) if kind != FileType::Fifo => return bind(device, kind, &parent, name),
        Err(other) => return Err(other.into()),
    }
    if device.owner != (0, 0) {
        let owner = (Some(Uid::from_raw(device.owner.0)), Some(Gid::from_raw(device.owner.1)));
        rustix::fs::chownat(&parent, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

/// Puts the host's node of the same path, which must be the same device, into the place of one that cannot be made.
/// Its owner and mode stay the host's.
fn bind(device: &DeviceStep, kind: FileType, parent: &OwnedFd, name: &OsStr) -> Outcome {
    let explain =
        |errno| Fault { errno, detail: "it cannot be made, and the host has none to lend".to_owned() };
    let node = rustix::fs::openat(CWD, &device.path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let node = node.map_err(explain)?;
    let stat = rustix::fs::fstat(&node)?;
    let number = makedev(device.number.0, device.number.1);
    if FileType::from_raw_mode(stat.st_mode) != kind || stat.st_rdev != number {
        return Err(explain(Errno::NODEV));
    }
    let create = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = rustix::fs::openat(parent, name, create, Mode::from_raw_mode(0o666))?;
    let tree = clone_of(node.as_fd(), Recursion::One)?;
    // A device can be used on a read-only mount, but root inside cannot change the host's node.
    let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
    kernel::mount::set_attributes(tree.as_fd(), &change, false)?;
    mounts::attach(tree.as_fd(), place.as_fd())
}

/// Makes a symbolic link unless something is there, and, for one into `/proc`, unless this kernel lacks the target.
pub(super) fn link(at: &Path, target: &str, root: BorrowedFd<'_>) -> Outcome {
    let kernel_file = target.strip_prefix("/proc/").is_some_and(|file| !file.starts_with("self/"));
    if kernel_file && matches!(guard::open_in_root(root, Path::new(target)), Err(Errno::NOENT)) {
        return Ok(());
    }
    let (parent, name) = guard::make_parents(root, at)?;
    match rustix::fs::symlinkat(target, &parent, name) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(other) => Err(other.into()),
    }
}
