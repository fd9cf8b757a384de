//! `/proc` and `/sys`: mounted somewhere else, covered, written to for somebody, masked with something else.

use super::mountinfo;
use super::racer::Racer;
use super::{outside, shown, tries, was_touched};
use crate::Test;
use crate::container::{Container, mount, output};
use spec::rootfs::Rootfs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

pub(crate) const TESTS: &[Test] = &[
    ("escape_proc_behind_a_link_that_is_exchanged", linked_proc),
    ("escape_proc_renamed_while_paths_are_masked", renamed_proc),
    ("escape_a_mount_over_what_is_in_proc", covered_file),
    ("escape_a_volume_instead_of_proc", covered_proc),
    ("escape_a_label_written_into_a_false_proc", false_label),
    ("escape_a_kernel_parameter_written_elsewhere", redirected_sysctl),
    ("escape_a_cover_that_opens_the_way", false_null),
];

/// Whether the container that waits has a procfs of which nothing is hidden.
fn has_bare_proc(container: &Container) -> bool {
    let Ok(created) = container.create(&output()) else { return false };
    let mounts = mountinfo::of(created.pid());
    let is_bare = |proc: u32| !mounts.iter().any(|mount| mount.parent == proc);
    mounts.iter().any(|mount| mount.kind == "proc" && mount.root == "/" && is_bare(mount.id))
}

/// CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: `/proc` is a link into a volume that another container shares.
fn linked_proc() {
    shown!([ProcBehindLink, HiddenByName], {
        let mut container = Container::new("true");
        let volume = container.directory.path().join("volume");
        for name in ["proc", "proc~"] {
            std::fs::create_dir_all(volume.join(name)).unwrap();
        }
        symlink("volume/proc", container.lower().join("proc")).unwrap();
        container.spec.mounts.insert(0, mount("bind", &volume, "/volume", "rbind"));
        let _racer = Racer::start(&volume, "proc");
        tries(|| has_bare_proc(&container))
    });
}

/// The same without a link: somebody who shares the root file system renames the directory below the mount.
fn renamed_proc() {
    shown!([HiddenByName], {
        let mut container = Container::new("true");
        let root = container.lower();
        for name in ["proc", "proc~"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        container.rootfs = Rootfs::Dir { path: root.clone() };
        let _racer = Racer::start(&root, "proc");
        tries(|| has_bare_proc(&container))
    });
}

/// CVE-2019-16884.
fn covered_file() {
    shown!([ProcCovered], {
        let mut container = Container::new("cat /proc/sys/kernel/hostname");
        let source = container.directory.path().join("file");
        std::fs::write(&source, "mine\n").unwrap();
        container.spec.mounts.push(mount("bind", &source, "/proc/sys/kernel/hostname", "bind"));
        container.try_run().is_ok_and(|said| said.out == "mine\n")
    });
}

/// A directory that looks like `/proc` where the runtime writes, bound in its place.
fn false_proc(container: &mut Container) -> PathBuf {
    let proc = container.directory.path().join("proc");
    for name in ["self/attr", "sys/net/ipv4"] {
        std::fs::create_dir_all(proc.join(name)).unwrap();
    }
    container.spec.mounts.retain(|mount| mount.kind != "proc");
    container.spec.mounts.insert(0, mount("bind", &proc, "/proc", "rbind"));
    proc
}

/// CVE-2019-16884: `VOLUME /proc`.
fn covered_proc() {
    shown!([ProcCovered], {
        let mut container = Container::new("true");
        false_proc(&mut container);
        container.try_run().is_ok()
    });
}

/// CVE-2019-16884, CVE-2025-52881: the program runs without the profile that was asked for.
fn false_label() {
    shown!([ProcCovered, SettingsInContainer], {
        let mut container = Container::new("true");
        let exec = false_proc(&mut container).join("self/attr/exec");
        std::fs::write(&exec, "").unwrap();
        container.process().apparmor_profile = "confined".into();
        container.try_run().is_ok() && std::fs::read_to_string(exec).unwrap() == "exec confined"
    });
}

/// CVE-2025-52881: what was to be written into a kernel parameter is written into another file.
fn redirected_sysctl() {
    shown!([ProcCovered, SettingsInContainer], {
        let mut container = Container::new("true");
        let parameter = false_proc(&mut container).join("sys/net/ipv4/ip_default_ttl");
        let outside = outside(&container);
        symlink(outside.join("secret"), parameter).unwrap();
        container.linux().sysctl.insert("net.ipv4.ip_default_ttl".into(), "|/bin/attack".into());
        let _ = container.try_run();
        was_touched(&outside)
    });
}

/// CVE-2025-31133: what hides `/proc/keys` is a link of the image's to another file of `/proc`.
fn false_null() {
    shown!([AnyDevice, AnyCover], {
        let mut container = Container::new("cat /proc/keys");
        container.spec.mounts.retain(|mount| !mount.destination.starts_with("/dev"));
        let dev = container.lower().join("dev");
        std::fs::create_dir(&dev).unwrap();
        symlink("/proc/sys/kernel/hostname", dev.join("null")).unwrap();
        container.try_run().is_ok_and(|said| said.out == "inside\n")
    });
}
