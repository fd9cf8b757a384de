//! Device nodes and the links beside them (config-linux.md, "Devices"; runtime-linux.md, "Dev symbolic links").

use super::Outcome;
use crate::plan::{DeviceKind, DeviceStep};
use kernel::path;
use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid, makedev};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::path::Path;

const DIRECTORY: Mode = Mode::from_raw_mode(0o755);

/// Makes a node. One that is there already (a volume's, or the image's) must be the same device.
pub(super) fn make(device: &DeviceStep, root: BorrowedFd<'_>) -> Outcome {
    let (parent, name) = path::mkdir_parents_in_root(root, &device.path, DIRECTORY)?;
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
            if FileType::from_raw_mode(stat.st_mode) != kind || stat.st_rdev != number {
                return Err(Errno::EXIST.into());
            }
        }
        Err(other) => return Err(other.into()),
    }
    if device.owner != (0, 0) {
        let owner = (Some(Uid::from_raw(device.owner.0)), Some(Gid::from_raw(device.owner.1)));
        rustix::fs::chownat(&parent, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

/// Makes a symbolic link unless something is there.
pub(super) fn link(at: &Path, target: &str, root: BorrowedFd<'_>) -> Outcome {
    let (parent, name) = path::mkdir_parents_in_root(root, at, DIRECTORY)?;
    match rustix::fs::symlinkat(target, &parent, name) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(other) => Err(other.into()),
    }
}
