//! Flags of `run` by which a container shares what is the host's or another container's.

use std::fs;
use std::os::unix::fs::MetadataExt;
use tests::container::BUSYBOX;
use tests::{Sampan, isolated};

/// A namespace of the container's first process, and whether it is the test's own.
fn is_own(sampan: &Sampan, id: &str, kind: &str) -> bool {
    let pid = sampan.field(id, "{{.State.Pid}}");
    let inode = |pid: &str| fs::metadata(format!("/proc/{pid}/ns/{kind}")).unwrap().ino();
    inode(&pid) != inode("self")
}

#[test]
fn processes_are_shared() {
    isolated(|sampan| {
        sampan.load_busybox();
        let donor = sampan.background(&["--name", "donor"], "sleep 4321");
        let _ = sampan
            .busybox(&["--pid", "container:donor"], "ps -o args | grep -c '[s]leep 4321'")
            .ok()
            .prints("1\n");
        let id = sampan.background(&["--name", "joined", "--pid", "container:donor"], "sleep 100");
        assert_eq!(sampan.field(&id, "{{.HostConfig.PidMode}}"), "container:donor");
        let _ = sampan.inside("donor", "ps -o args | grep -c '[s]leep 100'").ok().prints("1\n");
        // It is found anew when the other one has started again.
        let _ = sampan.run(["stop", "-t", "0", "joined"]).ok();
        let _ = sampan.run(["restart", "-t", "0", "donor"]).ok();
        let _ = sampan.run(["start", "joined"]).ok();
        let _ = sampan.inside("joined", "ps -o args | grep -c '[s]leep 4321'").ok().prints("1\n");
        let _ = sampan.run(["stop", "-t", "0", "joined", "donor"]).ok();
        let _ = sampan
            .run(["start", "joined"])
            .fails_with(1)
            .says("cannot join the processes of container")
            .says(&donor[..12]);
        let host = sampan.background(&["--pid", "host"], "sleep 100");
        assert!(!is_own(sampan, &host, "pid") && is_own(sampan, &host, "mnt"));
        let pid = std::process::id().to_string();
        let _ = sampan.inside(&host, &format!("test -d /proc/{pid}")).ok();
        let _ = sampan.run(["stop", "-t", "0", &host]).ok();
        let _ = sampan
            .busybox(&["--pid", "container:nobody"], "true")
            .fails_with(125)
            .says("No such container: nobody");
        let _ = sampan.busybox(&["--pid", "other"], "true").fails_with(125).says("--pid: invalid PID mode");
    });
}

#[test]
fn ipc_is_private_none_or_the_hosts() {
    isolated(|sampan| {
        sampan.load_busybox();
        let host = sampan.background(&["--ipc", "host"], "sleep 100");
        assert!(!is_own(sampan, &host, "ipc"));
        assert_eq!(sampan.field(&host, "{{.HostConfig.IpcMode}}"), "host");
        let mark = format!("sampan-test-{}", std::process::id());
        let path = format!("/dev/shm/{mark}");
        let _ = sampan.inside(&host, &format!("echo shared > {path}")).ok();
        assert_eq!(fs::read_to_string(&path).unwrap(), "shared\n");
        fs::remove_file(&path).unwrap();
        let private = sampan.background(&["--ipc", "private"], "sleep 100");
        assert!(is_own(sampan, &private, "ipc"));
        let none = sampan.background(&["--ipc", "none"], "sleep 100");
        assert!(is_own(sampan, &none, "ipc"));
        let _ = sampan.inside(&none, "grep -c ' /dev/shm ' /proc/mounts").prints("0\n");
        let _ = sampan
            .busybox(&["--ipc", "host", "--sysctl", "kernel.shmmax=1000000"], "true")
            .fails_with(125)
            .says("kernel.shmmax");
        for mode in ["other", "container:"] {
            let _ = sampan
                .busybox(&["--ipc", mode], "true")
                .fails_with(125)
                .says(&format!("invalid IPC mode: {mode}"))
                .says_one_line();
        }
    });
}

#[test]
fn shared_memory_and_queues_are_another_containers() {
    isolated(|sampan| {
        sampan.load_busybox();
        let inode = |id: &str| {
            let pid = sampan.field(id, "{{.State.Pid}}");
            fs::metadata(format!("/proc/{pid}/ns/ipc")).unwrap().ino()
        };
        let donor =
            sampan.background(&["--name", "donor", "--ipc", "shareable", "--shm-size", "4m"], "sleep 4321");
        assert!(is_own(sampan, &donor, "ipc"));
        assert_eq!(sampan.field(&donor, "{{.HostConfig.IpcMode}}"), "shareable");
        let line = "grep ' /dev/shm ' /proc/mounts";
        for option in ["nosuid", "nodev", "noexec", "size=4096k"] {
            assert!(sampan.inside("donor", line).ok().stdout().contains(option), "{option}");
        }
        let join = ["--name", "joined", "--ipc", "container:donor"];
        let joined = sampan.background(&join, "sleep 100");
        assert_eq!(sampan.field(&joined, "{{.HostConfig.IpcMode}}"), "container:donor");
        assert_eq!(inode(&joined), inode(&donor));
        let _ = sampan.inside("joined", "echo from joined > /dev/shm/x").ok();
        let _ = sampan.inside("donor", "cat /dev/shm/x").ok().prints("from joined\n");
        // One that has joined can be joined.
        let _ = sampan.busybox(&["--ipc", "container:joined"], "cat /dev/shm/x").ok().prints("from joined\n");
        // Memory is gone with its owner, and what is joined is found anew.
        let _ = sampan.run(["stop", "-t", "0", "joined"]).ok();
        let _ = sampan.run(["restart", "-t", "0", "donor"]).ok();
        let _ = sampan.run(["start", "joined"]).ok();
        assert_eq!(inode(&joined), inode(&donor));
        let _ = sampan.inside("donor", "ls /dev/shm; echo new > /dev/shm/y").ok().prints("");
        let _ = sampan.inside("joined", "cat /dev/shm/y").ok().prints("new\n");
        let _ = sampan.run(["stop", "-t", "0", "joined", "donor"]).ok();
        let _ = sampan
            .run(["start", "joined"])
            .fails_with(1)
            .says("cannot join the IPC namespace of container")
            .says(&donor[..12])
            .says("not running");
    });
}

#[test]
fn what_is_private_is_not_shared() {
    isolated(|sampan| {
        sampan.load_busybox();
        for mode in ["private", "none"] {
            let name = format!("{mode}-donor");
            let _ = sampan.background(&["--name", &name, "--ipc", mode], "sleep 100");
            let _ = sampan
                .busybox(&["--ipc", &format!("container:{name}")], "true")
                .fails_with(125)
                .says("failed to join IPC namespace")
                .says("non-shareable IPC (hint: use IpcMode:shareable for the donor container)")
                .says_one_line();
        }
        let host = sampan.background(&["--name", "host", "--ipc", "host"], "sleep 100");
        assert!(!is_own(sampan, &host, "ipc"));
        let id = sampan.background(&["--ipc", "container:host"], "sleep 100");
        assert!(!is_own(sampan, &id, "ipc"));
        let _ = sampan
            .busybox(&["--ipc", "container:nobody"], "true")
            .fails_with(125)
            .says("No such container: nobody");
    });
}

/// The mount is the host's: whoever is killed, the next command takes it away.
#[test]
fn shared_memory_outlives_no_container() {
    isolated(|sampan| {
        sampan.load_busybox();
        let mounts = |id: &str| {
            let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
            table.lines().filter(|line| line.contains(&format!("{id}/shm "))).count()
        };
        let id = sampan.background(&["--ipc", "shareable"], "sleep 100");
        assert_eq!(mounts(&id), 1);
        let first: i32 = sampan.field(&id, "{{.State.Pid}}").parse().unwrap();
        let status = fs::read_to_string(format!("/proc/{first}/status")).unwrap();
        let monitor = status.lines().find_map(|line| line.strip_prefix("PPid:\t")).unwrap().to_owned();
        for pid in [monitor, first.to_string()] {
            let _ = tests::Invocation::new("kill", ["-9", &pid]).run().ok();
        }
        let _ = sampan.run(["start", &id]).ok();
        assert_eq!(mounts(&id), 1);
        let _ = sampan.run(["stop", "-t", "0", &id]).ok();
        assert_eq!(mounts(&id), 0);
        let _ = sampan.run(["start", &id]).ok();
        let _ = sampan.run(["rm", "-f", &id]).ok();
        assert_eq!(mounts(&id), 0);
    });
}

#[test]
fn there_is_one_isolation_and_one_volume_driver() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--isolation", "default", "--volume-driver", "local"], "sleep 100");
        let said = sampan.field(&id, "{{.HostConfig.Isolation}} {{.HostConfig.VolumeDriver}}");
        assert_eq!(said, "default local");
        let _ = sampan
            .busybox(&["--isolation", "hyperv"], "true")
            .fails_with(125)
            .says("hyperv")
            .says("only supports 'default'")
            .says_one_line();
        let _ = sampan
            .busybox(&["--volume-driver", "flocker"], "true")
            .fails_with(125)
            .says("error looking up volume plugin flocker: plugin \"flocker\" not found")
            .says_one_line();
    });
}

#[test]
fn host_names_and_users_can_be_the_hosts() {
    isolated(|sampan| {
        sampan.load_busybox();
        let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let id = sampan.background(&["--uts", "host"], "sleep 100");
        assert!(!is_own(sampan, &id, "uts"));
        let _ = sampan.inside(&id, "hostname; echo $HOSTNAME").ok().prints(&format!("{own}{own}"));
        assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").unwrap(), own);
        for name in ["--hostname", "--domainname"] {
            let _ = sampan
                .busybox(&["--uts", "host", name, "h"], "true")
                .fails_with(125)
                .says("hostname and the UTS mode");
        }
        let _ = sampan.busybox(&["--uts", "private"], "true").fails_with(125).says("--uts: invalid UTS mode");
        let id = sampan.background(&["--userns", "host"], "sleep 100");
        assert!(!is_own(sampan, &id, "user"));
        assert_eq!(sampan.field(&id, "{{.HostConfig.UsernsMode}}"), "host");
        let _ = sampan
            .busybox(&["--userns", "keep-id"], "true")
            .fails_with(125)
            .says("--userns: invalid USER mode");
    });
}

#[test]
fn control_groups_are_seen_or_not() {
    isolated(|sampan| {
        sampan.load_busybox();
        for (mode, own) in [("private", true), ("host", false)] {
            let id = sampan.background(&["--cgroupns", mode], "sleep 100");
            assert_eq!(is_own(sampan, &id, "cgroup"), own, "{mode}");
            assert_eq!(sampan.field(&id, "{{.HostConfig.CgroupnsMode}}"), mode);
            let seen = sampan.inside(&id, "cat /proc/1/cgroup").ok().stdout();
            assert_eq!(seen.contains(&id), !own, "{seen}");
        }
        let _ = sampan
            .busybox(&["--cgroupns", "other"], "true")
            .fails_with(125)
            .says("--cgroupns: invalid CGROUP mode");
    });
}

#[test]
fn a_control_group_is_made_below_another() {
    isolated(|sampan| {
        sampan.load_busybox();
        let parent = format!("sampan-test-{}", sampan.directory().file_name().unwrap().to_str().unwrap());
        let id = sampan.background(&["--cgroup-parent", &format!("/{parent}/deep")], "sleep 100");
        let pid = sampan.field(&id, "{{.State.Pid}}");
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        let path = format!("/{parent}/deep/{id}");
        assert!(
            groups
                .lines()
                .any(|line| line.contains("memory") && line.ends_with(&path) || line == format!("0::{path}")),
            "{groups}"
        );
        assert_eq!(sampan.field(&id, "{{.HostConfig.CgroupParent}}"), format!("/{parent}/deep"));
        let _ = sampan.run(["rm", "-f", &id]).ok();
        let _ = sampan
            .busybox(&["--cgroup-parent", "/a/../b"], "true")
            .fails_with(125)
            .says("invalid cgroup-parent");
        // The group that was asked for is whoever's asked for it, as with Docker.
        let script = format!(
            "for t in /sys/fs/cgroup /sys/fs/cgroup/*; do rmdir $t/{parent}/deep $t/{parent} 2>/dev/null; done; true"
        );
        let _ = tests::Invocation::new("sh", ["-c", &script]).run().ok();
    });
}

#[test]
fn volumes_of_another_container_are_mounted() {
    isolated(|sampan| {
        sampan.load_busybox();
        let shared = sampan.directory().join("shared");
        fs::create_dir(&shared).unwrap();
        let bind = format!("{}:/bind", shared.display());
        let locked = format!("{}:/locked:ro", shared.display());
        let options =
            ["-d", "--name", "donor", "-v", "data:/data", "-v", "/anonymous", "-v", &bind, "-v", &locked];
        let _ = sampan
            .run(sampan.run_words(
                &options,
                BUSYBOX,
                &["sh", "-c", "echo a > /anonymous/x; echo d > /data/x; sleep 100"],
            ))
            .ok();
        let both =
            "cat /anonymous/x /data/x; echo b > /bind/x; echo no > /locked/x 2>/dev/null || echo locked";
        let _ = sampan.busybox(&["--volumes-from", "donor"], both).ok().prints("a\nd\nlocked\n");
        assert_eq!(fs::read_to_string(shared.join("x")).unwrap(), "b\n");
        let only = "echo no > /data/y 2>/dev/null || echo locked";
        let _ = sampan.busybox(&["--volumes-from", "donor:ro"], only).ok().prints("locked\n");
        // What the request says itself wins.
        let _ = sampan
            .busybox(&["--volumes-from", "donor", "-v", "other:/data"], "ls /data; cat /anonymous/x")
            .ok()
            .prints("a\n");
        let id = sampan.background(&["--name", "second", "--volumes-from", "donor"], "sleep 100");
        assert_eq!(sampan.field(&id, "{{.HostConfig.VolumesFrom}} {{len .Mounts}}"), "[donor] 4");
        // A volume stays as long as somebody has it.
        let _ = sampan.run(["rm", "-f", "-v", "donor"]).ok();
        let _ = sampan.inside("second", "cat /anonymous/x").ok().prints("a\n");
        let _ = sampan
            .busybox(&["--volumes-from", "nobody"], "true")
            .fails_with(125)
            .says("No such container: nobody");
        let _ = sampan
            .busybox(&["--volumes-from", "second:maybe"], "true")
            .fails_with(125)
            .says("invalid mode")
            .says("maybe");
    });
}

#[test]
fn rules_about_devices_are_added() {
    isolated(|sampan| {
        sampan.load_busybox();
        // /dev/kmsg: 1:11, which no container may use, and which needs no capability to be opened for writing.
        let script = "mknod /k c 1 11; (exec 3>/k) 2>/dev/null && echo open || echo denied";
        let _ = sampan.busybox(&[], script).prints("denied\n");
        let _ = sampan.busybox(&["--device-cgroup-rule", "c 1:11 w"], script).ok().prints("open\n");
        let _ = sampan
            .busybox(&["--device-cgroup-rule", "c 1:11"], "true")
            .fails_with(125)
            .says("invalid device cgroup format");
    });
}

#[test]
fn rates_of_devices_are_passed_on() {
    isolated(|sampan| {
        sampan.load_busybox();
        let Some(device) = fs::read_dir("/dev").unwrap().flatten().map(|entry| entry.path()).find(|path| {
            use std::os::unix::fs::FileTypeExt;
            fs::metadata(path).is_ok_and(|found| found.file_type().is_block_device())
        }) else {
            panic!("no block device to limit");
        };
        let number = fs::metadata(&device).unwrap().rdev();
        let number = format!("{}:{}", rustix::fs::major(number), rustix::fs::minor(number));
        let device = device.to_str().unwrap();
        let flags = [
            ("--device-read-bps", "1mb", "blkio.throttle.read_bps_device", "rbps=1048576"),
            ("--device-write-bps", "2mb", "blkio.throttle.write_bps_device", "wbps=2097152"),
            ("--device-read-iops", "30", "blkio.throttle.read_iops_device", "riops=30"),
            ("--device-write-iops", "40", "blkio.throttle.write_iops_device", "wiops=40"),
        ];
        for (flag, value, v1, v2) in flags {
            let id = sampan.background(&[flag, &format!("{device}:{value}")], "sleep 100");
            let text = sampan.cgroup_file(&id, &[v1, "io.max"]);
            let wanted = v2.split('=').nth(1).unwrap();
            assert!(
                text.contains(&format!("{number} {wanted}")) || (text.contains(&number) && text.contains(v2)),
                "{flag}: {text}"
            );
            let _ =
                sampan.busybox(&[flag, "/dev/null:1"], "true").fails_with(125).says("is not a device node");
            let _ = sampan
                .busybox(&[flag, "relative:1"], "true")
                .fails_with(125)
                .says("bad format for device path");
        }
        let weight = sampan.run(sampan.run_words(
            &["-d", "--blkio-weight-device", &format!("{device}:300")],
            BUSYBOX,
            &["sleep", "100"],
        ));
        if weight.code() == 0 {
            let text = sampan.cgroup_file(
                &weight.word(),
                &["blkio.weight_device", "blkio.bfq.weight_device", "io.weight", "io.bfq.weight"],
            );
            assert!(text.contains("300"), "{text}");
        } else {
            // No scheduler of this kernel has weights; a limit that would do nothing is not accepted.
            let _ = weight.fails_with(125).says("weight").says_one_line();
        }
        let _ = sampan
            .busybox(&["--blkio-weight-device", &format!("{device}:5")], "true")
            .fails_with(125)
            .says("invalid weight");
    });
}

#[test]
fn real_time_is_passed_on_where_the_kernel_has_it() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan
            .busybox(&["--cpu-rt-period", "1000", "--cpu-rt-runtime", "2000"], "true")
            .fails_with(125)
            .says("cannot be higher");
        let tree = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let cpu = tree.lines().find(|line| {
            line.contains(" - cgroup ")
                && line.rsplit(' ').next().unwrap().split(',').any(|name| name == "cpu")
        });
        let mount = cpu.and_then(|line| line.split(' ').nth(4)).map(std::path::PathBuf::from);
        let parent = format!("sampan-rt-{}", sampan.directory().file_name().unwrap().to_str().unwrap());
        let group = mount.map(|mount| mount.join(&parent));
        let has_budget = group.as_ref().is_some_and(|group| {
            fs::create_dir(group).is_ok() && fs::write(group.join("cpu.rt_runtime_us"), "20000").is_ok()
        });
        if has_budget {
            let id = sampan.background(
                &["--cgroup-parent", &parent, "--cpu-rt-period", "500000", "--cpu-rt-runtime", "5000"],
                "sleep 100",
            );
            let pid = sampan.field(&id, "{{.State.Pid}}");
            let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
            assert!(groups.contains(&parent), "{groups}");
            let own = group.as_ref().unwrap().join(&id);
            assert_eq!(fs::read_to_string(own.join("cpu.rt_runtime_us")).unwrap().trim(), "5000");
            assert_eq!(fs::read_to_string(own.join("cpu.rt_period_us")).unwrap().trim(), "500000");
            let _ = sampan.run(["rm", "-f", &id]).ok();
        } else {
            // Without a budget above, or without the file, it cannot be had, and that is said.
            let _ = sampan.busybox(&["--cpu-rt-runtime", "5000"], "true").fails_with(125).says_one_line();
        }
        let script =
            format!("for t in /sys/fs/cgroup /sys/fs/cgroup/*; do rmdir $t/{parent} 2>/dev/null; done; true");
        let _ = tests::Invocation::new("sh", ["-c", &script]).run().ok();
    });
}
