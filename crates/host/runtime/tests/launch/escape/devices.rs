//! Terminals and standard streams.

use super::mountinfo;
use super::racer::Racer;
use super::{outside, shown, tries};
use crate::Test;
use crate::container::{Container, null};
use runtime::{Launch, Stdio, Streams};
use spec::rootfs::Rootfs;
use std::os::unix::fs::{MetadataExt, symlink};

pub(crate) const TESTS: &[Test] = &[
    ("escape_a_console_that_is_a_link_to_the_host", console_link),
    ("escape_a_terminal_exchanged_before_it_is_bound", exchanged_terminal),
    ("escape_a_stream_of_the_host_s_given_away", stream_owner),
];

/// A container with a terminal and a `/dev` of the image's own.
fn with_terminal() -> Container {
    let mut container = Container::new("true");
    container.spec.mounts.retain(|mount| mount.destination != std::path::Path::new("/dev"));
    std::fs::create_dir_all(container.lower().join("dev/pts")).unwrap();
    container.process().terminal = true;
    container
}

/// CVE-2026-88264.
fn console_link() {
    shown!([ConsoleFollowed], {
        let container = with_terminal();
        let made = outside(&container).join("console");
        symlink(&made, container.lower().join("dev/console")).unwrap();
        let _ = runtime::create(Launch::new(&container.spec, &container.rootfs, Stdio::Terminal));
        made.exists()
    });
}

/// CVE-2025-52565: `/dev/pts/0` becomes a link to a file of `/proc`, which then lies at `/dev/console`, writable.
fn exchanged_terminal() {
    shown!([TerminalByName], {
        let mut container = with_terminal();
        let dev = container.lower().join("dev");
        std::fs::create_dir(dev.join("pts~")).unwrap();
        symlink("/proc/sys/kernel/hostname", dev.join("pts~/0")).unwrap();
        container.rootfs = Rootfs::Dir { path: container.lower() };
        let _racer = Racer::start(&dev, "pts");
        tries(|| has_false_console(&container))
    });
}

fn has_false_console(container: &Container) -> bool {
    let launch = Launch::new(&container.spec, &container.rootfs, Stdio::Terminal);
    let Ok(created) = runtime::create(launch) else { return false };
    let mounts = mountinfo::of(created.pid());
    mounts.iter().any(|mount| mount.point == "/dev/console" && mount.kind != "devpts")
}

/// CVE-2026-88265: a file of the host's as a standard stream changes its owner.
fn stream_owner() {
    shown!([StreamsGivenAway], {
        let mut container = Container::new("true");
        let file = outside(&container).join("secret");
        let stdout = std::fs::File::options().append(true).open(&file).unwrap();
        container.process().user.uid = 33;
        let streams = Streams { stdin: null(), stdout: stdout.into(), stderr: null() };
        let launch = Launch::new(&container.spec, &container.rootfs, Stdio::Fds(streams));
        crate::container::reap(&runtime::create(launch).unwrap().start().unwrap());
        std::fs::metadata(file).unwrap().uid() == 33
    });
}
