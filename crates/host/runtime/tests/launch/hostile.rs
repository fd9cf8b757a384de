//! Images and specs that try to get out.

use crate::Test;
use crate::container::{Container, mount, output, reap, text, words};
use kernel::namespace::Kind;
use runtime::JoinedNamespaces;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;

pub(crate) const TESTS: &[Test] = &[
    ("mount_places_never_leave_the_root", places),
    ("proc_must_be_an_ordinary_directory", proc_link),
    ("nothing_is_mounted_inside_proc", inside_proc),
    ("the_working_directory_cannot_be_a_descriptor_of_ours", magic_directory),
    ("a_waiting_child_cannot_be_looked_into", dumpable),
    ("a_waiting_child_holds_nothing_of_its_parent_s", nothing_held),
    ("a_null_device_of_the_image_s_is_no_cover", false_null),
    ("no_node_of_the_host_s_is_in_reach", host_nodes),
    ("a_passwd_that_is_a_fifo_stops_nobody", fifo_passwd),
    ("a_console_that_is_a_link_is_not_followed", console_link),
    ("device_places_never_leave_the_root", device_link),
];

fn places() {
    let mut container = Container::new("cat /escape/etc/x /data/x");
    let outside = container.directory.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    // Links to the host's root and far up: both end at the container's root.
    symlink("/", container.lower().join("escape")).unwrap();
    symlink(format!("../../../../../..{}", outside.display()), container.lower().join("up")).unwrap();
    let source = container.directory.path().join("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("x"), "x\n").unwrap();
    container.spec.mounts.push(mount("bind", &source, "/escape/etc", "rbind"));
    container.spec.mounts.push(mount("bind", &source, "/up/../data", "rbind"));
    container.spec.mounts.push(mount("tmpfs", "tmpfs", "/up", "size=4k"));
    let said = container.run();
    assert!(said.out.starts_with("x\n"), "{said:?}");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

fn proc_link() {
    let container = Container::new("true");
    std::fs::create_dir(container.lower().join("fake")).unwrap();
    symlink("fake", container.lower().join("proc")).unwrap();
    let refusal = container.refusal();
    assert_eq!(
        refusal,
        "mount proc at /proc (its place must be an ordinary directory and not a symbolic link): \
         too many levels of symbolic links"
    );
}

fn inside_proc() {
    let mut container = Container::new("cat /proc/uptime");
    let source = container.directory.path().join("x");
    std::fs::write(&source, "mine\n").unwrap();
    container.spec.mounts.push(mount("bind", &source, "/proc/uptime", "bind"));
    assert_eq!(container.run().out, "mine\n");
    symlink("/proc/self/attr", container.lower().join("innocent")).unwrap();
    for place in ["/proc/self/status", "/proc/1/attr/exec", "/innocent/exec"] {
        container.spec.mounts.truncate(4);
        container.spec.mounts.push(mount("bind", &source, place, "bind"));
        let refusal = container.refusal();
        assert!(refusal.contains("it is inside a proc file system"), "{place}: {refusal}");
    }
}

fn magic_directory() {
    // The attack of CVE-2024-21626: some descriptor of the runtime's is the host's root.
    let leak = rustix::fs::open("/", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
    let mut container = Container::new("ls");
    for number in 3..40 {
        container.process().cwd = format!("/proc/self/fd/{number}").into();
        let refusal = container.refusal();
        assert!(refusal.starts_with("change to working directory"), "{refusal}");
    }
    symlink("/proc/self/fd/7", container.lower().join("way")).unwrap();
    container.process().cwd = "/way/etc".into();
    assert!(container.refusal().starts_with("change to working directory"));
    drop(leak);
}

fn dumpable() {
    // A second container is about to start in the pid namespace of one that is hostile.
    let hostile = Container::new(
        "while :; do for p in /proc/[0-9]*; do [ $p != /proc/1 ] && cat $p/comm && ls -l $p/exe $p/cwd $p/fd/; done; done",
    );
    let said = output();
    let first = hostile.create(&said).unwrap().start().unwrap();
    let pid = kernel::namespace::open_of(first.pid, Kind::Pid).unwrap();
    let join = JoinedNamespaces { pid: Some(pid.as_fd()), ..JoinedNamespaces::default() };
    let waiting = Container::new("true").create_in(join, &output()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let comm = std::fs::read_to_string(format!("/proc/{}/comm", waiting.pid())).unwrap();
    drop(waiting);
    kernel::process::send_signal(first.pidfd.as_fd(), 9).unwrap();
    reap(&first);
    let said = text(said);
    // It saw the process, and nothing of it.
    assert!(said.lines().any(|line| line == comm.trim()), "{said}");
    assert!(!said.contains(" -> "), "{said}");
    assert!(said.contains("exe: cannot read link: Permission denied"), "{said}");
}

fn nothing_held() {
    let leak = rustix::fs::open("/etc", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
    let created = Container::new("true").create(&output()).unwrap();
    let fds = std::fs::read_dir(format!("/proc/{}/fd", created.pid())).unwrap();
    let mut links: Vec<String> =
        fds.map(|fd| std::fs::read_link(fd.unwrap().path()).unwrap().display().to_string()).collect();
    links.sort_unstable();
    drop(leak);
    assert!(!links.iter().any(|link| link == "/etc"), "{links:?}");
    // One end of the channel, and not the parent's too: its end must be seen by the child.
    assert_eq!(links.iter().filter(|link| link.starts_with("socket:")).count(), 1, "{links:?}");
}

fn fifo_passwd() {
    let mut container = Container::new("echo $HOME");
    let passwd = container.lower().join("etc/passwd");
    std::fs::remove_file(&passwd).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &passwd, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    container.process().env = words(&["PATH=/bin"]);
    assert_eq!(container.run().out, "/\n");
}

fn console_link() {
    let mut container = Container::new("ls -l /dev/console; cat /target");
    std::fs::write(container.lower().join("target"), "untouched\n").unwrap();
    // A /dev that is the image's own, with a console that leads elsewhere.
    container.spec.mounts.retain(|mount| mount.destination != std::path::Path::new("/dev"));
    std::fs::create_dir_all(container.lower().join("dev/pts")).unwrap();
    symlink("/target", container.lower().join("dev/console")).unwrap();
    container.process().terminal = true;
    let launch = runtime::Launch::new(&container.spec, &container.rootfs, runtime::Stdio::Terminal);
    let refusal = runtime::create(launch).map(drop).unwrap_err();
    assert!(crate::container::chain(&refusal).starts_with("make the terminal"), "{refusal}");
}

fn device_link() {
    let mut container = Container::new("ls -l /elsewhere");
    let outside = container.directory.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    container.spec.mounts.retain(|mount| !mount.destination.starts_with("/dev"));
    symlink(&outside, container.lower().join("dev")).unwrap();
    let said = container.try_run();
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0, "{said:?}");
}

fn false_null() {
    // CVE-2025-31133: what is used to hide /proc/keys is a link to something that opens the way.
    let mut container = Container::new("cat /proc/keys");
    container.spec.mounts.retain(|mount| !mount.destination.starts_with("/dev"));
    let dev = container.lower().join("dev");
    std::fs::create_dir(&dev).unwrap();
    symlink("/proc/sys/kernel/core_pattern", dev.join("null")).unwrap();
    let refusal = container.refusal();
    assert!(refusal.contains("/dev/null"), "{refusal}");
}

fn host_nodes() {
    let before = std::fs::metadata("/dev/null").unwrap();
    let mut container = Container::new("chmod 640 /dev/null /proc/keys /dev/zero; stat -c %a /dev/null");
    container.process().capabilities.as_mut().unwrap().effective.push("CAP_FOWNER".into());
    assert_eq!(container.run().out, "640\n");
    let after = std::fs::metadata("/dev/null").unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&before), std::os::unix::fs::MetadataExt::mode(&after));
}
