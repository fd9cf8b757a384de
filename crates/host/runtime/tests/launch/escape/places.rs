//! Where mounts, devices and directories are made: links in the image and in volumes, and races against them.

use super::mountinfo::{self, is_on};
use super::racer::Racer;
use super::{outside, shown, tries, was_touched};
use crate::Test;
use crate::container::{Container, mount, output, streams, words};
use runtime::{HookContext, Launch, Stdio};
use spec::runtime::{Hook, Hooks};
use std::os::unix::fs::symlink;
use std::path::Path;

pub(crate) const TESTS: &[Test] = &[
    ("escape_a_mount_place_behind_a_link", mount_place),
    ("escape_a_file_bound_where_etc_is_a_link", etc_link),
    ("escape_a_working_directory_behind_a_link", working_directory),
    ("escape_devices_where_dev_is_a_link", dev_link),
    ("escape_a_mount_place_behind_a_link_of_a_volume", volume_link),
    ("escape_a_mount_place_exchanged_while_it_is_made", exchanged_place),
    ("escape_a_mount_place_exchanged_before_it_is_mounted_on", exchanged_mount),
    ("escape_through_the_old_root", old_root),
];

/// Runs it, whatever comes of it, and says whether the host's directory was touched.
fn touches(container: &Container) -> bool {
    let _ = container.try_run();
    was_touched(&container.directory.path().join("outside"))
}

fn mount_place() {
    shown!([JoinedPaths], {
        let mut container = Container::new("true");
        symlink(outside(&container), container.lower().join("data")).unwrap();
        container.spec.mounts.push(mount("tmpfs", "tmpfs", "/data/new", "size=4k"));
        touches(&container)
    });
}

/// What an engine binds at `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` (CVE-2024-45310: empty files on the
/// host).
fn etc_link() {
    for name in ["hosts", "hostname", "resolv.conf"] {
        shown!([JoinedPaths], {
            let mut container = Container::new("true");
            let source = container.directory.path().join("file");
            std::fs::write(&source, "").unwrap();
            let etc = container.lower().join("etc");
            std::fs::remove_dir_all(&etc).unwrap();
            symlink(outside(&container), etc).unwrap();
            container.spec.mounts.push(mount("bind", &source, &format!("/etc/{name}"), "bind"));
            touches(&container)
        });
    }
}

fn working_directory() {
    shown!([JoinedPaths], {
        let mut container = Container::new("true");
        symlink(outside(&container), container.lower().join("srv")).unwrap();
        container.process().cwd = "/srv/app".into();
        touches(&container)
    });
}

/// CVE-2026-41579.
fn dev_link() {
    shown!([JoinedPaths], {
        let mut container = Container::new("true");
        container.spec.mounts.retain(|mount| !mount.destination.starts_with("/dev"));
        symlink(outside(&container), container.lower().join("dev")).unwrap();
        touches(&container)
    });
}

fn volume(container: &mut Container) -> std::path::PathBuf {
    let volume = container.directory.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    container.spec.mounts.push(mount("bind", &volume, "/volume", "rbind"));
    volume
}

fn volume_link() {
    shown!([JoinedPaths], {
        let mut container = Container::new("true");
        let volume = volume(&mut container);
        symlink(outside(&container), volume.join("out")).unwrap();
        container.spec.mounts.push(mount("tmpfs", "tmpfs", "/volume/out/new", "size=4k"));
        touches(&container)
    });
}

/// A directory `d` of the volume and a link of the same name to the host's, to be exchanged.
fn exchangeable(container: &mut Container) -> std::path::PathBuf {
    let volume = volume(container);
    let outside = outside(container);
    for directory in [volume.join("d"), outside.clone()] {
        std::fs::create_dir_all(directory.join("there")).unwrap();
    }
    symlink(outside, volume.join("d~")).unwrap();
    volume
}

/// CVE-2024-45310: directories made on the host.
fn exchanged_place() {
    shown!([JoinedPaths], {
        let mut container = Container::new("true");
        let volume = exchangeable(&mut container);
        container.spec.mounts.push(mount("tmpfs", "tmpfs", "/volume/d/new/x", "size=4k"));
        let _racer = Racer::start(&volume, "d");
        let made = container.directory.path().join("outside/new");
        tries(|| {
            let _ = container.try_run();
            made.exists()
        })
    });
}

/// CVE-2021-30465: between looking at the place and mounting on it.
fn exchanged_mount() {
    shown!([MountsByName], {
        let mut container = Container::new("true");
        let volume = exchangeable(&mut container);
        let source = container.directory.path().join("source");
        std::fs::create_dir(&source).unwrap();
        container.spec.mounts.push(mount("bind", &source, "/volume/d/there", "bind"));
        let _racer = Racer::start(&volume, "d");
        tries(|| landed_outside(&mut container))
    });
}

/// Whether the mount of `source` is somewhere else than on the container's root, before that becomes all there is.
fn landed_outside(container: &mut Container) -> bool {
    let told = container.directory.path().join("mounts");
    let _ = std::fs::remove_file(&told);
    let script = format!(
        "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); cat /proc/$pid/mountinfo > {}",
        told.display()
    );
    let hook = Hook { path: "/bin/sh".into(), args: words(&["sh", "-c", &script]), ..Hook::default() };
    container.spec.hooks = Some(Hooks { prestart: vec![hook], ..Hooks::default() });
    let mut launch = Launch::new(&container.spec, &container.rootfs, Stdio::Fds(streams(&output())));
    launch.hooks = Some(HookContext { id: "x", bundle: Path::new("/") });
    let Ok(created) = runtime::create(launch) else { return false };
    drop(created);
    let mounts = mountinfo::parse(&std::fs::read_to_string(told).unwrap());
    // The container's root lies on the host's.
    let is_root = |id: u32| mounts.iter().any(|mount| mount.id == id && mount.point == "/");
    let root = mounts.iter().find(|mount| mount.point == "/" && is_root(mount.parent)).unwrap();
    let source = mounts.iter().find(|mount| mount.root.ends_with("/source")).unwrap();
    !is_on(&mounts, source.id, root.id)
}

fn old_root() {
    shown!([OldRootKept], {
        let container = Container::new("true");
        let secret = outside(&container).join("secret");
        let mut container = container;
        container.process().args = words(&["cat", &format!("/..{}", secret.display())]);
        container.try_run().is_ok_and(|said| said.out == super::SECRET)
    });
}
