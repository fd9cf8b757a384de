//! The container as a whole: namespaces, root, output, end, failure.

use crate::Test;
use crate::container::{Container, chain, output, reap, text, words};
use kernel::namespace::{self, Kind};
use runtime::JoinedNamespaces;
use spec::rootfs::Rootfs;
use std::os::fd::AsFd;

pub(crate) const TESTS: &[Test] = &[
    ("a_program_runs_as_pid_1_of_its_own_namespaces", runs),
    ("the_exit_code_comes_back", exit_code),
    ("a_created_container_waits", waits),
    ("a_created_container_that_is_dropped_is_gone", dropped),
    ("a_joined_namespace_is_entered", joined),
    ("a_namespace_path_is_entered", by_path),
    ("a_directory_is_a_root_too", directory_root),
    ("a_read_only_root_is_read_only", read_only_root),
    ("what_is_written_lands_in_the_upper_layer", upper),
    ("a_missing_layer_is_named", missing_layer),
    ("the_host_s_mounts_are_gone", no_host_mounts),
    ("many_layers_are_stacked_in_order", many_layers),
    ("layers_may_be_deep_in_the_tree", deep_paths),
    ("one_layer_alone_is_read_only", one_layer),
    ("layers_are_stacked_as_older_kernels_do_it", older_kernels),
];

fn runs() {
    let container = Container::new(
        "echo $$; cat /proc/sys/kernel/hostname; for n in pid net ipc uts mnt; do readlink /proc/self/ns/$n; done",
    );
    let said = container.run();
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!((said.code, &lines[..2]), (0, &["1", "inside"][..]), "{said:?}");
    for line in &lines[2..] {
        let own = std::fs::read_link(format!("/proc/self/ns/{}", line.split(':').next().unwrap())).unwrap();
        assert_ne!(own.to_str().unwrap(), *line);
    }
    assert_eq!(lines.len(), 7);
}

fn exit_code() {
    assert_eq!(Container::new("exit 42").run().code, 42);
    assert_eq!(Container::new("kill -9 -1; kill -KILL $$; exit 3").run().code, 3, "pid 1 cannot kill itself");
}

fn waits() {
    let container = Container::new("echo ran");
    let out = output();
    let created = container.create(&out).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", created.pid())).unwrap();
    assert!(status.contains("NSpid:"), "{status}");
    assert_eq!(rustix::fs::fstat(&out).unwrap().st_size, 0);
    assert_eq!(reap(&created.start().unwrap()), 0);
    assert_eq!(text(out), "ran\n");
}

fn dropped() {
    let created = Container::new("echo ran").create(&output()).unwrap();
    let pid = created.pid();
    drop(created);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

fn joined() {
    let made = namespace::create([Kind::Network, Kind::Uts].into_iter().collect()).unwrap();
    let find = |kind| made.iter().find(|(made, _)| *made == kind).map(|(_, fd)| fd.as_fd());
    let join = JoinedNamespaces {
        network: find(Kind::Network),
        uts: find(Kind::Uts),
        ..JoinedNamespaces::default()
    };
    let container = Container::new("readlink /proc/self/ns/net");
    let out = output();
    let created = container.create_in(join, &out).unwrap();
    assert_eq!(reap(&created.start().unwrap()), 0);
    let inode = rustix::fs::fstat(find(Kind::Network).unwrap()).unwrap().st_ino;
    assert_eq!(text(out), format!("net:[{inode}]\n"));
}

fn by_path() {
    let mut container = Container::new("readlink /proc/self/ns/uts");
    container.spec.hostname.clear();
    for namespace in &mut container.linux().namespaces {
        if namespace.kind == "uts" {
            namespace.path = Some("/proc/self/ns/uts".into());
        }
    }
    let own = std::fs::read_link("/proc/self/ns/uts").unwrap();
    assert_eq!(container.run().out.trim_end(), own.to_str().unwrap());
    for namespace in &mut container.linux().namespaces {
        if namespace.kind == "uts" {
            namespace.path = Some("/proc/self/ns/net".into());
        }
    }
    assert_eq!(container.refusal(), "enter namespaces /proc/self/ns/net: invalid argument");
}

fn directory_root() {
    let mut container = Container::new("touch /here");
    let lower = container.lower();
    container.rootfs = Rootfs::Dir { path: lower.clone() };
    assert_eq!(container.run().code, 0);
    assert!(lower.join("here").exists());
}

fn read_only_root() {
    let mut container = Container::new("touch /here; touch /dev/here && echo dev");
    container.spec.root.as_mut().unwrap().readonly = true;
    let said = container.run();
    assert!(said.out.contains("/here: Read-only file system") && said.out.ends_with("dev\n"), "{said:?}");
}

fn upper() {
    let container = Container::new("echo x > /tmp/new");
    container.run();
    assert_eq!(std::fs::read_to_string(container.directory.path().join("upper/tmp/new")).unwrap(), "x\n");
    assert!(!container.lower().join("tmp/new").exists());
}

fn missing_layer() {
    let mut container = Container::new("true");
    container.rootfs =
        Rootfs::Overlay { lowers: vec!["/nowhere".into()], upper: None, work: None, userxattr: false };
    let refusal = container.refusal();
    assert!(refusal.contains("mount the root file system") && refusal.contains("no such file"), "{refusal}");
}

fn no_host_mounts() {
    let said = Container::new("cat /proc/self/mountinfo; ls /").run();
    assert!(!said.out.contains("ext4") && !said.out.contains("/sys/fs/cgroup"), "{said:?}");
}

fn layered(container: &mut Container, count: usize) {
    let base = container.directory.path().to_owned();
    let mut lowers = Vec::new();
    for number in 0..count {
        // Long names with what overlayfs splits options at: together far longer than what one option may be.
        let layer = base.join(format!("layer,{number}:{}", "x".repeat(100)));
        std::fs::create_dir_all(layer.join("etc")).unwrap();
        std::fs::write(layer.join("etc/top"), format!("{number}\n")).unwrap();
        lowers.push(layer);
    }
    std::fs::write(lowers[count - 1].join("etc/bottom"), "bottom\n").unwrap();
    lowers.push(container.lower());
    if let Rootfs::Overlay { lowers: layers, .. } = &mut container.rootfs {
        *layers = lowers;
    }
}

fn many_layers() {
    let mut container = Container::new("cat /etc/top /etc/bottom; echo x > /tmp/x; cat /tmp/x");
    layered(&mut container, 40);
    assert_eq!(container.run().out, "0\nbottom\nx\n");
    container.process().args = words(&["/bin/nothing"]);
    assert_eq!(chain(&container.try_run().unwrap_err()), "exec: \"/bin/nothing\": no such file or directory");
}

fn deep_paths() {
    let mut container = Container::new("cat /etc/deep");
    let mut deep = container.directory.path().to_owned();
    for _ in 0..5 {
        deep.push("d".repeat(100));
    }
    std::fs::create_dir_all(deep.join("etc")).unwrap();
    std::fs::write(deep.join("etc/deep"), "deep\n").unwrap();
    if let Rootfs::Overlay { lowers, .. } = &mut container.rootfs {
        lowers.insert(0, deep);
    }
    assert_eq!(container.run().out, "deep\n");
}

fn one_layer() {
    let mut container = Container::new("echo here; touch /x");
    let lower = container.lower();
    for name in ["proc", "dev", "sys"] {
        std::fs::create_dir(lower.join(name)).unwrap();
    }
    container.rootfs = Rootfs::Overlay { lowers: vec![lower], upper: None, work: None, userxattr: false };
    let said = container.run();
    assert_eq!(said.out, "here\ntouch: /x: Read-only file system\n");
}

/// The ways of older kernels; the tests run again in a process that has the newer ones turned off.
fn older_kernels() {
    for (features, layers) in [
        ("overlay-lowerdir-plus", "2"),
        ("overlay-lowerdir-plus", "40"),
        ("overlay-lowerdir-plus,overlay-context", "2"),
    ] {
        let status = std::process::Command::new("/proc/self/exe")
            .args(["--layers", layers])
            .env("SAMPAN_TEST_DISABLE", features)
            .status()
            .unwrap();
        assert!(status.success(), "{features} with {layers} layers");
    }
}

/// What the process with features turned off does.
pub(crate) fn stack_layers(count: usize) {
    let mut container =
        Container::new("cat /etc/top /etc/bottom; echo x > /tmp/x; cat /tmp/x; cat /proc/self/mountinfo");
    layered(&mut container, count);
    let said = container.run();
    assert!(said.out.starts_with("0\nbottom\nx\n"), "{said:?}");
    assert!(said.out.contains("lowerdir=/proc/self/fd/"), "{said:?}");
    assert!(!said.out.contains("ext4"), "{said:?}");
    assert_eq!(std::fs::read_to_string(container.directory.path().join("upper/tmp/x")).unwrap(), "x\n");
}
