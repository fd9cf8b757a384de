//! Mounts below the root (config.md, "Mounts").
//!
//! The place of a mount is found below the root's descriptor, made if it is missing, and the mount is moved onto
//! that very descriptor: between the two nothing is looked up by name again.

use super::{Fault, Outcome, cgroups};
use crate::options::{AttributeChange, MountOptions, Recursion};
use crate::plan::{MountSource, MountStep};
use kernel::mount::{Change, Propagation};
use kernel::path;
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
/// How many dangling links are followed to the place of a file.
const LINKS_MAX: u32 = 40;
/// What may be mounted over inside `/proc`: files that show a container its own share of the machine (lxcfs). All
/// else there is the kernel's word to the program and to us (CVE-2019-16884).
const PROC_OVERMOUNTS: [&str; 10] = [
    "cpuinfo",
    "diskstats",
    "loadavg",
    "meminfo",
    "net/dev",
    "slabinfo",
    "stat",
    "swaps",
    "sys/kernel/ns_last_pid",
    "uptime",
];

/// Mounts one thing.
pub(super) fn mount(
    step: &MountStep,
    root: BorrowedFd<'_>,
    (first_bind, binds): (usize, &[OwnedFd]),
    groups: &[cgroups::View],
) -> Outcome {
    match &step.source {
        MountSource::Bind(index) => {
            let tree = index.checked_sub(first_bind).and_then(|index| binds.get(index)).ok_or(Errno::BADF)?;
            let kind = FileType::from_raw_mode(rustix::fs::fstat(tree)?.st_mode);
            let is_directory = kind == FileType::Directory;
            let place = if is_directory {
                path::mkdir_all_in_root(root, &step.destination, Mode::from_raw_mode(0o755))?
            } else {
                file_place(root, &step.destination)?
            };
            check_place(&place, &step.destination)?;
            shape(tree.as_fd(), &step.options, is_directory)?;
            attach(tree.as_fd(), place.as_fd())
        }
        MountSource::FileSystem { kind, source } => {
            let place = directory_place(root, &step.destination, kind)?;
            check_place(&place, &step.destination)?;
            let mounted = file_system(kind, source, &step.options)?;
            if step.options.copy_up {
                copy_up(place.as_fd(), mounted.as_fd())?;
            }
            if let Some((propagation, recursion)) = step.options.propagation {
                let change = Change { propagation: Some(propagation), ..Change::default() };
                kernel::mount::set_attributes(mounted.as_fd(), &change, recursion == Recursion::All)?;
            }
            attach(mounted.as_fd(), place.as_fd())
        }
        MountSource::Cgroup => {
            let place = directory_place(root, &step.destination, "cgroup")?;
            check_place(&place, &step.destination)?;
            cgroups::mount(groups, place.as_fd(), &step.options)
        }
    }
}

/// Makes a directory and its parents.
pub(super) fn make_directory(root: BorrowedFd<'_>, directory: &Path) -> Outcome {
    path::mkdir_all_in_root(root, directory, Mode::from_raw_mode(0o755))?;
    Ok(())
}

/// Moves a detached mount onto an open place.
pub(super) fn attach(mount: BorrowedFd<'_>, place: BorrowedFd<'_>) -> Outcome {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", place, "", flags)?)
}

/// `/proc` and `/sys` must be where they are said to be: a link in their way would leave the files that are masked
/// and written later somewhere else (CVE-2019-19921, CVE-2023-27561).
fn directory_place(root: BorrowedFd<'_>, destination: &Path, kind: &str) -> Result<OwnedFd, Fault> {
    let place = path::mkdir_all_in_root(root, destination, Mode::from_raw_mode(0o755))?;
    if matches!(kind, "proc" | "sysfs") {
        let straight = path::open_in_root_no_symlinks(
            root,
            destination,
            OFlags::PATH | OFlags::DIRECTORY,
            Mode::empty(),
        );
        return straight.map_err(|errno| Fault {
            errno,
            detail: "its place must be an ordinary directory and not a symbolic link".to_owned(),
        });
    }
    Ok(place)
}

/// Refuses to cover parts of `/proc`, wherever the destination's links lead.
fn check_place(place: &OwnedFd, destination: &Path) -> Outcome {
    if rustix::fs::fstatfs(place)?.f_type != PROC_MAGIC {
        return Ok(());
    }
    let inside = destination.strip_prefix("/proc").ok().and_then(Path::to_str);
    if inside.is_some_and(|inside| PROC_OVERMOUNTS.contains(&inside)) {
        return Ok(());
    }
    Err(Fault { errno: Errno::PERM, detail: "it is inside a proc file system".to_owned() })
}

/// Opens the place for a file, an existing one or a new empty one; also where a dangling link points.
fn file_place(root: BorrowedFd<'_>, destination: &Path) -> rustix::io::Result<OwnedFd> {
    let mut destination = PathBuf::from(destination);
    for _ in 0..LINKS_MAX {
        match path::open_in_root(root, &destination, OFlags::PATH, Mode::empty()) {
            Err(Errno::NOENT) => {}
            found => return found,
        }
        let (parent, name) = path::mkdir_parents_in_root(root, &destination, Mode::from_raw_mode(0o755))?;
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
