//! Masked and read-only paths (config-linux.md).

use super::{Fault, Outcome, mounts};
use crate::guard;
use crate::options::Recursion;
use crate::sources::clone_of;
use kernel::mount::Change;
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The proc and sysfs file systems that were mounted, and where they were to be.
///
/// What is hidden of them is found from their own roots: at the name where they were mounted there may be something
/// else by now, if somebody who shares the root file system has renamed the directory below them.
#[derive(Debug, Default)]
pub(super) struct KernelMounts(Vec<(PathBuf, OwnedFd)>);

impl KernelMounts {
    /// Remembers a mount; a later one at the same place covers an earlier one.
    pub(super) fn add(&mut self, destination: &Path, mounted: OwnedFd) {
        self.0.retain(|(place, _)| !place.starts_with(destination));
        self.0.push((destination.to_owned(), mounted));
    }

    /// From where a path is looked up, and its rest from there on.
    fn resolve<'a>(&'a self, place: &'a Path, root: BorrowedFd<'a>) -> (BorrowedFd<'a>, &'a Path) {
        let below =
            |(mounted, fd): &'a (PathBuf, OwnedFd)| Some((fd.as_fd(), place.strip_prefix(mounted).ok()?));
        let found = self.0.iter().filter_map(below).min_by_key(|(_, rest)| rest.components().count());
        found.filter(|_| guard::hides_by_descriptor()).unwrap_or((root, place))
    }
}

/// Opens what is at `place`; `None` when there is nothing.
fn existing(place: &Path, root: BorrowedFd<'_>, mounts: &KernelMounts) -> Result<Option<OwnedFd>, Errno> {
    let (from, rest) = mounts.resolve(place, root);
    let rest = if rest.as_os_str().is_empty() { Path::new(".") } else { rest };
    match guard::open_in_root(from, rest) {
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
pub(super) fn mask(
    place: &Path,
    root: BorrowedFd<'_>,
    mounts: &KernelMounts,
    covers: &mut Covers,
) -> Outcome {
    let Some(target) = existing(place, root, mounts)? else { return Ok(()) };
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
    let explain =
        |errno| Fault { errno, detail: "/dev/null of the container is not the null device".to_owned() };
    guard::open_null(root).map_err(explain)
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
pub(super) fn make_readonly(place: &Path, root: BorrowedFd<'_>, mounts: &KernelMounts) -> Outcome {
    let Some(target) = existing(place, root, mounts)? else { return Ok(()) };
    let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
    let tree = clone_of(target.as_fd(), Recursion::All)?;
    kernel::mount::set_attributes(tree.as_fd(), &change, false)?;
    mounts::attach(tree.as_fd(), target.as_fd())
}
