//! Mounts below the root (config.md, "Mounts").
//!
//! The place of a mount is found below the root's descriptor, made if it is missing, and the mount is moved onto
//! that very descriptor: between the two nothing is looked up by name again.

use super::{Fault, Outcome, cgroups};
use crate::guard;
use crate::options::{AttributeChange, MountOptions, Recursion};
use crate::plan::{MountSource, MountStep};
use kernel::mount::{Change, Propagation};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MoveMountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen, move_mount,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// `PROC_SUPER_MAGIC` of linux/magic.h.
const PROC_MAGIC: i64 = 0x9fa0;
/// `SYSFS_MAGIC` of linux/magic.h.
const SYSFS_MAGIC: i64 = 0x6265_6572;
/// How many dangling links are followed to the place of a file.
const LINKS_MAX: u32 = 40;
/// Mounts one thing; the root of what was mounted, if it is a proc or sysfs file system.
pub(super) fn mount(
    step: &MountStep,
    root: BorrowedFd<'_>,
    (first_bind, binds): (usize, &[OwnedFd]),
    groups: &[cgroups::View],
) -> Result<Option<OwnedFd>, Fault> {
    match &step.source {
        MountSource::Bind(index) => {
            let tree = index.checked_sub(first_bind).and_then(|index| binds.get(index)).ok_or(Errno::BADF)?;
            let kind = FileType::from_raw_mode(rustix::fs::fstat(tree)?.st_mode);
            let is_directory = kind == FileType::Directory;
            let place = if is_directory {
                guard::make_directory(root, &step.destination)?
            } else {
                file_place(root, &step.destination)?
            };
            let kind = rustix::fs::fstatfs(tree)?.f_type;
            check_place(&place, &step.destination, kind == PROC_MAGIC)?;
            shape(tree.as_fd(), &step.options, is_directory)?;
            guard::attach(tree.as_fd(), place.as_fd(), root, &step.destination)?;
            let is_kernel_s = matches!(kind, PROC_MAGIC | SYSFS_MAGIC);
            Ok(if is_kernel_s { Some(rustix::io::fcntl_dupfd_cloexec(tree, 3)?) } else { None })
        }
        MountSource::FileSystem { kind, source } => {
            let place = directory_place(root, &step.destination, kind)?;
            check_place(&place, &step.destination, kind == "proc")?;
            let mounted = file_system(kind, source, &step.options)?;
            if step.options.copy_up {
                copy_up(place.as_fd(), mounted.as_fd())?;
            }
            if let Some((propagation, recursion)) = step.options.propagation {
                let change = Change { propagation: Some(propagation), ..Change::default() };
                kernel::mount::set_attributes(mounted.as_fd(), &change, recursion == Recursion::All)?;
            }
            guard::attach(mounted.as_fd(), place.as_fd(), root, &step.destination)?;
            Ok(matches!(kind.as_str(), "proc" | "sysfs").then_some(mounted))
        }
        MountSource::Cgroup => {
            let place = directory_place(root, &step.destination, "cgroup")?;
            check_place(&place, &step.destination, false)?;
            cgroups::mount(groups, place.as_fd(), &step.options).map(|()| None)
        }
    }
}

/// Moves a detached mount onto an open place.
pub(super) fn attach(mount: BorrowedFd<'_>, place: BorrowedFd<'_>) -> Outcome {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", place, "", flags)?)
}

/// Opens the place of a file system, made if it is missing. `/proc` and `/sys` must be where they are said to be.
fn directory_place(root: BorrowedFd<'_>, destination: &Path, kind: &str) -> Result<OwnedFd, Fault> {
    let place = guard::make_directory(root, destination)?;
    if matches!(kind, "proc" | "sysfs") {
        return guard::open_kernel_place(root, destination).map_err(|errno| Fault {
            errno,
            detail: "its place must be an ordinary directory and not a symbolic link".to_owned(),
        });
    }
    Ok(place)
}

/// Refuses what would cover `/proc` or parts of it.
fn check_place(place: &OwnedFd, destination: &Path, is_proc: bool) -> Outcome {
    match guard::refuses_cover(place.as_fd(), destination, is_proc)? {
        None => Ok(()),
        Some(why) => Err(Fault { errno: Errno::PERM, detail: why.to_owned() }),
    }
}

/// Opens the place for a file, an existing one or a new empty one; also where a dangling link points.
fn file_place(root: BorrowedFd<'_>, destination: &Path) -> rustix::io::Result<OwnedFd> {
    let mut destination = PathBuf::from(destination);
    for _ in 0..LINKS_MAX {
        match guard::open_in_root(root, &destination) {
            Err(Errno::NOENT) => {}
            found => return found,
        }
        let (parent, name) = guard::make_parents(root, &destination)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644)) {
            Ok(_) => {
                return rustix::fs::openat(
                    &parent,
                    name,
                    OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                    Mode::empty(),
                );
            }
            Err(Errno::EXIST) => {}
            Err(other) => return Err(other),
        }
        let stat = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            let link = rustix::fs::readlinkat(&parent, name, Vec::new())?;
            let link = std::ffi::OsString::from_vec(link.into_bytes());
            // An absolute link replaces everything; both forms are resolved below the root again.
            destination = destination.parent().unwrap_or(Path::new("/")).join(link);
        }
    }
    Err(Errno::LOOP)
}

/// A new instance of a file system, detached.
pub(super) fn file_system(kind: &str, source: &str, options: &MountOptions) -> Result<OwnedFd, Fault> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    let fail = |errno| Fault { errno, detail: kernel::mount::context_messages(context.as_fd()) };
    fsconfig_set_string(&context, "source", source).map_err(fail)?;
    for (key, value) in &options.data {
        match value {
            Some(value) => fsconfig_set_string(&context, key.as_str(), value.as_str()).map_err(fail)?,
            None => fsconfig_set_flag(&context, key.as_str()).map_err(fail)?,
        }
    }
    fsconfig_create(&context).map_err(fail)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, options.own.set).map_err(fail)
}

/// Fills a new file system with what it is going to cover (config.md, "Mounts", `tmpcopyup`).
fn copy_up(place: BorrowedFd<'_>, mounted: BorrowedFd<'_>) -> Outcome {
    let own = rustix::fs::fstat(mounted)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let from = rustix::fs::openat(place, ".", flags, Mode::empty())?;
    let to = rustix::fs::openat(mounted, ".", flags, Mode::empty())?;
    archive::copy_tree(from.as_fd(), to.as_fd(), archive::CopyOptions::default())
        .map_err(|error| Fault { errno: error.source, detail: error.to_string() })?;
    // The directory itself keeps the mode that the mount's options gave it.
    Ok(rustix::fs::fchmod(&to, Mode::from_raw_mode(own.st_mode))?)
}

/// Gives a bind mount its attributes and propagation with as few calls as possible: one for this mount and one for
/// the tree, or a single one where the two are the same.
fn shape(tree: BorrowedFd<'_>, options: &MountOptions, is_directory: bool) -> Outcome {
    let below = is_directory && options.bind == Some(Recursion::All);
    // Without a word about it a bind mount gets what happens on the host, as in a slave copy of the host's mounts.
    let (propagation, reach) = options.propagation.unwrap_or((Propagation::Slave, Recursion::All));
    let mut own = change(options.own, None);
    let mut all = change(options.recursive, None);
    if reach == Recursion::All && below {
        all.propagation = Some(propagation);
    } else {
        own.propagation = Some(propagation);
    }
    if !below {
        own.set |= all.set;
        own.clear |= all.clear;
        return Ok(kernel::mount::set_attributes(tree, &own, false)?);
    }
    if !own.is_empty() {
        kernel::mount::set_attributes(tree, &own, false)?;
    }
    if !all.is_empty() {
        kernel::mount::set_attributes(tree, &all, true)?;
    }
    Ok(())
}

fn change<'a>(attributes: AttributeChange, propagation: Option<Propagation>) -> Change<'a> {
    Change { set: attributes.set, clear: attributes.clear, propagation, idmap: None }
}
