//! Masked and read-only paths (config-linux.md).

use super::{Fault, Outcome, mounts};
use crate::options::Recursion;
use crate::sources::clone_of;
use kernel::mount::Change;
use kernel::path;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Opens what is at `place`; `None` when there is nothing.
fn existing(place: &Path, root: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Errno> {
    match path::open_in_root(root, place, OFlags::PATH, Mode::empty()) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(other) => Err(other),
    }
}

/// What is put over masked paths; each is opened when first needed. Both must be in the child's mount namespace to
/// be cloned (open_tree(2); a detached mount can be since Linux 6.15 only).
#[derive(Debug, Default)]
pub(super) struct Covers {
    null: Option<OwnedFd>,
    empty: Option<OwnedFd>,
}

/// Covers a directory with an empty one that cannot be written to, and anything else with the null device. That one
/// is the container's own, verified, so that what an image put at `/dev/null` never becomes a cover (CVE-2025-31133)
/// and root inside can change the mode of no node of the host's.
pub(super) fn mask(place: &Path, root: BorrowedFd<'_>, covers: &mut Covers) -> Outcome {
    let Some(target) = existing(place, root)? else { return Ok(()) };
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&target)?.st_mode);
    if kind != FileType::Directory {
        let null = match &mut covers.null {
            Some(null) => null,
            empty => empty.insert(null_device(root)?),
        };
        let cover = clone_of(null.as_fd(), Recursion::One)?;
        return mounts::attach(cover.as_fd(), target.as_fd());
    }
    // One file system serves all directories: the first cover is the model of the others.
    if let Some(first) = &covers.empty {
        let cover = clone_of(first.as_fd(), Recursion::One)?;
        return mounts::attach(cover.as_fd(), target.as_fd());
    }
    let first = empty_directory()?;
    mounts::attach(first.as_fd(), target.as_fd())?;
    covers.empty = Some(first);
    Ok(())
}

fn null_device(root: BorrowedFd<'_>) -> Result<OwnedFd, Fault> {
    let null = path::open_in_root_no_symlinks(root, Path::new("/dev/null"), OFlags::PATH, Mode::empty());
    let explain =
        |errno| Fault { errno, detail: "/dev/null of the container is not the null device".to_owned() };
    let null = null.map_err(explain)?;
    let stat = rustix::fs::fstat(&null)?;
    let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    if FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && device == (1, 3) {
        Ok(null)
    } else {
        Err(explain(Errno::NODEV))
    }
}

fn empty_directory() -> Result<OwnedFd, Fault> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", "tmpfs")?;
    fsconfig_set_string(&context, "nr_blocks", "1")?;
    fsconfig_set_string(&context, "nr_inodes", "1")?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// Binds what is there onto itself, read-only. The mounts below it come along and stay as they are.
pub(super) fn make_readonly(place: &Path, root: BorrowedFd<'_>) -> Outcome {
    let Some(target) = existing(place, root)? else { return Ok(()) };
    let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
    let tree = clone_of(target.as_fd(), Recursion::All)?;
    kernel::mount::set_attributes(tree.as_fd(), &change, false)?;
    mounts::attach(tree.as_fd(), target.as_fd())
}
