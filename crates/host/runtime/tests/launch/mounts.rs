//! Mounts, devices and links.

use crate::Test;
use crate::container::{Container, mount};
use std::os::fd::AsFd;

pub(crate) const TESTS: &[Test] = &[
    ("a_directory_is_bound", directory),
    ("a_file_is_bound_where_none_was", file),
    ("a_read_only_bind_is_read_only_and_the_host_s_is_not", read_only),
    ("recursive_attributes_reach_the_mounts_below", recursive),
    ("a_bind_follows_the_image_s_links_inside_the_root", links),
    ("a_dangling_link_is_followed_to_the_file_s_place", dangling),
    ("devices_and_links_are_docker_s", devices),
    ("a_tmpfs_has_its_size_and_mode", tmpfs),
    ("a_bad_option_is_explained", bad_option),
    ("masked_and_read_only_paths_are", hidden),
    ("the_container_sees_its_own_cgroups", cgroups),
    ("a_missing_source_is_named", missing_source),
    ("a_tmpfs_starts_with_what_it_covers", copy_up),
    ("a_shared_bind_shows_what_the_host_mounts_later", shared_bind),
    ("a_node_that_cannot_be_made_is_lent", lent),
];

fn shared(container: &Container, name: &str) -> std::path::PathBuf {
    let path = container.directory.path().join(name);
    std::fs::create_dir(&path).unwrap();
    path
}

fn directory() {
    let mut container = Container::new("cat /data/in/x; echo back > /data/in/y");
    let source = shared(&container, "source");
    std::fs::write(source.join("x"), "hello\n").unwrap();
    container.spec.mounts.push(mount("bind", &source, "/data/in", "rbind,rprivate"));
    assert_eq!(container.run().out, "hello\n");
    assert_eq!(std::fs::read_to_string(source.join("y")).unwrap(), "back\n");
}

fn file() {
    let mut container = Container::new("cat /run/secret/x; stat -c %F /run/secret/x");
    let source = container.directory.path().join("x");
    std::fs::write(&source, "hello\n").unwrap();
    container.spec.mounts.push(mount("bind", &source, "/run/secret/x", "rbind,rprivate,ro"));
    assert_eq!(container.run().out, "hello\nregular file\n");
}

fn read_only() {
    let mut container = Container::new("touch /data/x; mount");
    let source = shared(&container, "source");
    container.spec.mounts.push(mount("bind", &source, "/data", "rbind,rprivate,ro,noexec"));
    let said = container.run();
    assert!(said.out.contains("Read-only file system"), "{said:?}");
    let line = said.out.lines().find(|line| line.contains(" /data ")).unwrap();
    assert!(line.contains("(ro,") && line.contains("noexec"), "{line}");
    std::fs::write(source.join("x"), "").unwrap();
}

fn recursive() {
    // The host's /dev is a mount with mounts below it.
    for (options, expected) in [("rbind,rprivate,ro", "rw"), ("rbind,rprivate,rro", "ro")] {
        let mut container = Container::new("cat /proc/self/mountinfo");
        container.spec.mounts.push(mount("bind", "/dev", "/hostdev", options));
        let said = container.run();
        let options = |path: &str| {
            let line = said.out.lines().find(|line| line.split(' ').nth(4) == Some(path));
            line.unwrap_or_else(|| panic!("{path} in {said:?}")).split(' ').nth(5).unwrap()[..2].to_owned()
        };
        assert_eq!((options("/hostdev").as_str(), options("/hostdev/pts").as_str()), ("ro", expected));
    }
}

fn links() {
    let mut container = Container::new("cat /real/x");
    std::os::unix::fs::symlink("/real", container.lower().join("link")).unwrap();
    std::fs::create_dir(container.lower().join("real")).unwrap();
    let source = shared(&container, "source");
    std::fs::write(source.join("x"), "hello\n").unwrap();
    container.spec.mounts.push(mount("bind", &source, "/link", "rbind"));
    assert_eq!(container.run().out, "hello\n");
}

fn dangling() {
    let mut container = Container::new("cat /run/resolve/stub.conf; cat /etc/resolv.conf");
    std::os::unix::fs::symlink("../run/resolve/stub.conf", container.lower().join("etc/resolv.conf"))
        .unwrap();
    let source = container.directory.path().join("resolv.conf");
    std::fs::write(&source, "nameserver\n").unwrap();
    container.spec.mounts.push(mount("bind", &source, "/etc/resolv.conf", "rbind"));
    assert_eq!(container.run().out, "nameserver\nnameserver\n");
}

fn devices() {
    let said = Container::new(
        "cd /dev; for d in null zero full random urandom tty; do stat -c '%n %a %t:%T' $d; done;
         for l in fd stdin stdout stderr ptmx; do readlink $l; done; [ -e /proc/kcore ]; a=$?; [ -L core ]; [ $a = $? ] && echo core as kcore",
    )
    .run();
    assert_eq!(
        said.out,
        "null 666 1:3\nzero 666 1:5\nfull 666 1:7\nrandom 666 1:8\nurandom 666 1:9\ntty 666 5:0\n\
         /proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\ncore as kcore\n"
    );
}

fn tmpfs() {
    let mut container = Container::new("mount | grep /scratch; stat -c %a /scratch");
    container.spec.mounts.push(mount("tmpfs", "tmpfs", "/scratch", "nosuid,nodev,size=1024k,mode=1770"));
    let said = container.run();
    assert!(said.out.contains("(rw,nosuid,nodev,relatime,size=1024k,mode=1770"), "{said:?}");
    assert!(said.out.ends_with("1770\n"), "{said:?}");
}

fn bad_option() {
    let mut container = Container::new("true");
    container.spec.mounts.push(mount("tmpfs", "tmpfs", "/scratch", "colour=red"));
    let refusal = container.refusal();
    assert!(refusal.starts_with("mount tmpfs at /scratch (") && refusal.contains("colour"), "{refusal}");
}

fn hidden() {
    let said = Container::new(
        "cat /proc/keys; ls /sys/firmware; touch /sys/firmware/x; echo 1 > /proc/sys/kernel/msgmax; stat -c %t:%T /proc/keys",
    )
    .run();
    let mut lines = said.out.lines();
    assert!(lines.next().unwrap().contains("Read-only file system"), "{said:?}");
    assert!(lines.next().unwrap().contains("Read-only file system"), "{said:?}");
    assert_eq!(lines.collect::<Vec<_>>(), ["1:3"]);
}

fn cgroups() {
    let hierarchies = cgroup::Hierarchies::detect().unwrap();
    let path = cgroup::GroupPath::parse(&format!("sampan-launch-test-{}", std::process::id())).unwrap();
    let group = cgroup::Group::create(&hierarchies, &path, &spec::runtime::Resources::default()).unwrap();
    let entry = group.entry().unwrap();
    let mut container = Container::new(
        "mount | grep ' type cgroup'; echo --; cat /proc/self/cgroup; echo --; touch /sys/fs/cgroup/x; ls /sys/fs/cgroup/*",
    );
    container.spec.mounts.push(mount(
        "cgroup",
        "cgroup",
        "/sys/fs/cgroup",
        "nosuid,noexec,nodev,relatime,ro",
    ));
    container.linux().namespaces.push(spec::runtime::Namespace { kind: "cgroup".into(), path: None });
    let out = crate::container::output();
    let streams = runtime::Stdio::Fds(crate::container::streams(&out));
    let mut launch = runtime::Launch::new(&container.spec, &container.rootfs, streams);
    launch.cgroup = Some(runtime::CgroupEntry {
        unified: entry.v2_directory.as_ref().map(AsFd::as_fd),
        tasks: entry.v1_tasks.iter().map(AsFd::as_fd).collect(),
    });
    let started = runtime::create(launch).unwrap().start().unwrap();
    crate::container::reap(&started);
    group.kill().and_then(|()| group.remove()).unwrap();
    let said = crate::container::text(out);
    let parts: Vec<&str> = said.split("--\n").collect();
    assert!(
        !parts[0].is_empty() && parts[0].lines().all(|line| line.contains("(ro,nosuid,nodev,noexec")),
        "{said}"
    );
    // The namespace's roots are the groups that the container is in, and nobody else's groups are to be seen.
    assert!(parts[1].lines().all(|line| line.ends_with(":/")), "{said}");
    assert!(parts[2].contains("Read-only file system") && !parts[2].contains("sampan-launch-test"), "{said}");
}

fn missing_source() {
    let mut container = Container::new("true");
    container.spec.mounts.push(mount("bind", "/nowhere/at/all", "/data", "rbind"));
    assert_eq!(container.refusal(), "mount /nowhere/at/all: no such file or directory");
}

fn copy_up() {
    let mut container =
        Container::new("cat /etc/passwd | sed -n 1p; stat -c '%a %u' /etc /etc/secret; echo x > /etc/new");
    std::fs::write(container.lower().join("etc/secret"), "s").unwrap();
    std::os::unix::fs::chown(container.lower().join("etc/secret"), Some(33), None).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(container.lower().join("etc/secret"), mode).unwrap();
    container.spec.mounts.push(mount("tmpfs", "tmpfs", "/etc", "nosuid,tmpcopyup,mode=711"));
    let said = container.run();
    assert_eq!((said.out.as_str(), said.code), ("root:x:0:0::/root:/bin/sh\n711 0\n600 33\n", 0));
    assert!(!container.directory.path().join("upper/etc/new").exists());
}

fn shared_bind() {
    // A mount namespace of the test's own: a helper process shares a directory in it and mounts after the start.
    let status = std::process::Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().unwrap())
        .args(["--shared", "x"])
        .status()
        .unwrap();
    assert!(status.success());
}

/// What that process does.
pub(crate) fn share_and_mount() {
    let mut container = Container::new(
        "while ! cat /shared/sub/x /slave/sub/x 2>/dev/null; do sleep 0.05; done; ls /private/sub",
    );
    let source = shared(&container, "source");
    std::fs::create_dir(source.join("sub")).unwrap();
    rustix::mount::mount_bind(&source, &source).unwrap();
    rustix::mount::mount_change(&source, rustix::mount::MountPropagationFlags::SHARED).unwrap();
    for propagation in ["shared", "slave", "private"] {
        let destination = format!("/{propagation}");
        container.spec.mounts.push(mount("bind", &source, &destination, &format!("rbind,r{propagation}")));
    }
    let out = crate::container::output();
    let started = container.create(&out).unwrap().start().unwrap();
    rustix::mount::mount("tmpfs", source.join("sub"), "tmpfs", rustix::mount::MountFlags::empty(), None)
        .unwrap();
    // Whole at once: the container looks all the time.
    std::fs::write(source.join("sub/new"), "later\n").unwrap();
    std::fs::rename(source.join("sub/new"), source.join("sub/x")).unwrap();
    assert_eq!(crate::container::reap(&started), 0);
    assert_eq!(crate::container::text(out), "later\nlater\n");
    root_on_shared_mount(&source);
    rustix::mount::unmount(source.join("sub"), rustix::mount::UnmountFlags::DETACH).unwrap();
    rustix::mount::unmount(&source, rustix::mount::UnmountFlags::DETACH).unwrap();
}

fn lent() {
    // Without CAP_MKNOD the kernel refuses nodes as it does in a user namespace; the devices come from the host.
    let status = std::process::Command::new("setpriv")
        .args(["--bounding-set", "-mknod", "--inh-caps", "-all"])
        .arg(std::env::current_exe().unwrap())
        .args(["--borrow", "x"])
        .status()
        .unwrap();
    assert!(status.success());
}

/// What the process without CAP_MKNOD does.
pub(crate) fn borrow_devices() {
    let container = Container::new(
        "stat -c '%F %t:%T' /dev/null /dev/zero; echo x > /dev/null && chmod 600 /dev/null; mount | grep -c ' /dev/[a-z]* type devtmpfs'",
    );
    let said = container.run();
    let refusal = "chmod: /dev/null: Read-only file system\n";
    assert_eq!(said.out, format!("character special file 1:3\ncharacter special file 1:5\n{refusal}6\n"));
}

/// A root file system on a mount that the host shares, as below a data root that dockerd has made shared.
fn root_on_shared_mount(shared: &std::path::Path) {
    let mut container = Container::new("cat /proc/self/mountinfo; mount -t tmpfs x /tmp");
    let root = shared.join("root");
    let copied =
        std::process::Command::new("cp").arg("-a").arg(container.lower()).arg(&root).status().unwrap();
    assert!(copied.success());
    container.rootfs = spec::rootfs::Rootfs::Dir { path: root };
    for (propagation, expected) in
        [("", "master:"), ("rshared", "shared:"), ("rprivate", ""), ("rslave", "master:")]
    {
        container.linux().rootfs_propagation = propagation.into();
        let said = container.run();
        let line = said.out.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap();
        assert!(line.contains(expected), "{propagation}: {line}");
        assert_eq!(line.contains("shared:"), propagation == "rshared", "{line}");
        assert!(propagation != "rprivate" || !line.contains("master:"), "{line}");
    }
}
