//! The container's view of its control groups, at `/sys/fs/cgroup` (mount type `cgroup`).
//!
//! What is shown are the container's own groups: a group's directory is bound, which inside a cgroup namespace looks
//! just like a mount of the hierarchy. Pure cgroup v2 gives one mount; with v1 hierarchies a small tmpfs holds one
//! directory for each, named as on the host.

use super::{Fault, Outcome, mounts};
use crate::options::{MountOptions, Recursion};
use crate::sources::clone_of;
use cgroup::parse::{CgroupMount, cgroup_mount, memberships};
use kernel::mount::Change;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One hierarchy as it is to appear.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The group's directory on the host.
    directory: PathBuf,
    is_v2: bool,
    /// The directory's name in the container, where there are several hierarchies.
    name: String,
    /// Controllers of a hierarchy that has several: each gets a link.
    aliases: Vec<String>,
    /// Whether the machine has no other hierarchy.
    alone: bool,
}

/// Looks where the child's groups are. To be called once it is in them and before it gets a cgroup namespace, which
/// shows all paths relative to itself.
pub(super) fn find() -> Result<Vec<View>, Fault> {
    let memberships = read("/proc/self/cgroup")?;
    Ok(views(&String::from_utf8_lossy(&memberships), &read("/proc/self/mountinfo")?))
}

fn read(path: &str) -> Result<Vec<u8>, Fault> {
    // The kernel makes these texts anew for every read call: few large ones.
    let mut text = Vec::with_capacity(16 * 1024);
    let read = std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut text));
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(text)
}

/// Mounts the view at an open place.
pub(super) fn mount(views: &[View], place: BorrowedFd<'_>, options: &MountOptions) -> Outcome {
    match views {
        [only] if only.is_v2 && only.alone => mounts::attach(bind(&only.directory, options)?.as_fd(), place),
        several => mount_several(several, place, options),
    }
}

/// Binds each hierarchy into a tmpfs, which becomes read-only when all are in their places.
fn mount_several(views: &[View], place: BorrowedFd<'_>, options: &MountOptions) -> Outcome {
    let writable = MountOptions {
        data: vec![("mode".to_owned(), Some("755".to_owned()))],
        own: crate::options::AttributeChange {
            set: options.own.set - MountAttrFlags::MOUNT_ATTR_RDONLY,
            clear: options.own.clear,
        },
        ..options.clone()
    };
    let holder = mounts::file_system("tmpfs", "tmpfs", &writable)?;
    mounts::attach(holder.as_fd(), place)?;
    for view in views {
        rustix::fs::mkdirat(&holder, view.name.as_str(), Mode::from_raw_mode(0o755))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(&holder, view.name.as_str(), flags, Mode::empty())?;
        mounts::attach(bind(&view.directory, options)?.as_fd(), directory.as_fd())?;
        for alias in &view.aliases {
            rustix::fs::symlinkat(view.name.as_str(), &holder, alias.as_str())?;
        }
    }
    if options.own.set.contains(MountAttrFlags::MOUNT_ATTR_RDONLY) {
        let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
        kernel::mount::set_attributes(holder.as_fd(), &change, false)?;
    }
    Ok(())
}

fn bind(directory: &Path, options: &MountOptions) -> Result<OwnedFd, Fault> {
    let fail = |errno| Fault { errno, detail: directory.display().to_string() };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let found = rustix::fs::openat(CWD, directory, flags, Mode::empty()).map_err(fail)?;
    let tree = clone_of(found.as_fd(), Recursion::One).map_err(fail)?;
    let change = Change { set: options.own.set, clear: options.own.clear, ..Change::default() };
    kernel::mount::set_attributes(tree.as_fd(), &change, false).map_err(fail)?;
    Ok(tree)
}

/// Pairs each of the process's groups with the mount that shows it. Where there are several hierarchies, those in
/// which the container has no group of its own are left out: they would show it everybody's.
fn views(membership_text: &str, mountinfo: &[u8]) -> Vec<View> {
    let mounts: Vec<CgroupMount<'_>> =
        mountinfo.split(|byte| *byte == b'\n').filter_map(cgroup_mount).collect();
    let mut views: Vec<View> = Vec::new();
    let alone = !memberships(membership_text).any(|member| member.hierarchy != 0);
    for member in memberships(membership_text) {
        let is_v2 = member.hierarchy == 0;
        if member.path == "/" && !alone {
            continue;
        }
        let controllers: Vec<&str> = member.controllers.split(',').filter(|name| !name.is_empty()).collect();
        let shows = |mount: &&CgroupMount<'_>| {
            let options = || mount.options.split(|byte| *byte == b',');
            mount.is_v2 == is_v2
                && controllers.iter().all(|name| options().any(|option| option == name.as_bytes()))
        };
        let Some(mount) = mounts.iter().find(shows) else { continue };
        let mount_point = Path::new(OsStr::from_bytes(&mount.mount_point));
        let root = Path::new(OsStr::from_bytes(&mount.root));
        // A group above what is mounted cannot be shown.
        let Ok(below) = Path::new(member.path).strip_prefix(root) else { continue };
        let Some(name) = mount_point.file_name().and_then(OsStr::to_str) else { continue };
        if views.iter().any(|view| view.name == name) {
            continue;
        }
        let aliases = controllers
            .iter()
            .filter(|controller| controllers.len() > 1 && **controller != name)
            .map(|controller| (*controller).to_owned())
            .collect();
        views.push(View { directory: mount_point.join(below), is_v2, name: name.to_owned(), aliases, alone });
    }
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &[u8] = b"27 1 254:0 / / rw - ext4 /dev/vda rw\n\
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn every_hierarchy_of_a_hybrid_machine_appears_under_its_host_s_name() {
        let views = views("9:name=systemd:/a\n2:cpu,cpuacct:/a/b\n1:misc:/x\n0::/a\n", HYBRID);
        let names: Vec<_> = views.iter().map(|view| view.name.as_str()).collect();
        assert_eq!(names, ["systemd", "cpu,cpuacct", "unified"]);
        assert_eq!(views[1].directory, Path::new("/sys/fs/cgroup/cpu,cpuacct/a/b"));
        assert_eq!(views[1].aliases, ["cpu", "cpuacct"]);
        assert!(views[2].is_v2 && views[0].aliases.is_empty() && !views[2].alone);
    }

    #[test]
    fn everybody_s_groups_are_not_shown() {
        let views = views("9:name=systemd:/\n2:cpu,cpuacct:/a/b\n0::/\n", HYBRID);
        assert_eq!(views.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["cpu,cpuacct"]);
    }

    #[test]
    fn a_group_is_found_below_a_mount_of_a_part() {
        let mountinfo = b"41 31 0:38 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(views("0::/docker/x/y\n", mountinfo)[0].directory, Path::new("/sys/fs/cgroup/y"));
        assert!(views("0::/elsewhere\n", mountinfo).is_empty());
    }
}
