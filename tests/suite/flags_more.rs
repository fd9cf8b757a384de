//! Flags of `run` that few people type.

use std::fs;
use tests::census::cgroup::is_unified;
use tests::isolated;

const MEGABYTE: u64 = 1024 * 1024;

#[test]
fn annotations_are_kept() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--annotation", "org.example.a=1"], "sleep 100");
        assert_eq!(sampan.inspected(&id)["HostConfig"]["Annotations"]["org.example.a"], "1");
        let _ = sampan.busybox(&["--annotation", "=1"], "true").fails_with(125);
    });
}

#[test]
fn a_block_weight_is_passed_on_or_refused() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.busybox(&["--blkio-weight", "5"], "true").fails_with(125).says("10").says("1000");
        let outcome =
            sampan.run(sampan.run_words(&["-d", "--blkio-weight", "300"], "busybox", &["sleep", "100"]));
        if outcome.code() == 0 {
            let id = outcome.word();
            if is_unified() && !sampan.has_cgroup_file(&id, "io.bfq.weight") {
                // The scale of the cost model is another: 10 to 1000 becomes 1 to 10000 (runc's conversion).
                assert_eq!(sampan.cgroup_file(&id, &["io.weight"]), "default 2930");
            } else {
                let names = ["blkio.bfq.weight", "blkio.weight", "io.bfq.weight"];
                let weight = sampan.cgroup_file(&id, &names);
                assert!(weight.ends_with("300"), "{weight}");
            }
        } else {
            // No scheduler of this kernel has weights; a limit that would do nothing is not accepted.
            let _ = outcome.fails_with(125).says("weight").says_one_line();
        }
    });
}

#[test]
fn a_domain_name_is_set() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "cat /proc/sys/kernel/domainname";
        let _ = sampan
            .busybox(&["--domainname", "example.org", "-h", "ship"], script)
            .ok()
            .prints("example.org\n");
    });
}

#[test]
fn an_address_is_asked_for() {
    isolated(|sampan| {
        sampan.load_busybox();
        let first = sampan.background(&["--network", "bridge"], "sleep 100");
        let gateway = sampan.field(&first, "{{.NetworkSettings.Networks.bridge.Gateway}}");
        let wanted = format!("{}.77", gateway.rsplit_once('.').unwrap().0);
        let mac = "02:42:0a:01:02:03";
        let script = "ip -4 -o addr show eth0; cat /sys/class/net/eth0/address";
        let options = ["--network", "bridge", "--ip", &wanted, "--mac-address", mac];
        let outcome = sampan.busybox(&options, script);
        if outcome.code() == 0 {
            let _ = outcome.shows(&format!("inet {wanted}/")).shows(mac);
        } else {
            // Docker allows an address on networks that the user made only.
            let _ = outcome.fails_with(125).says("user").says_one_line();
            let _ = sampan.busybox(&["--network", "bridge", "--mac-address", mac], script).ok().shows(mac);
        }
        let _ = sampan.busybox(&["--network", "bridge", "--ip", "x"], "true").fails_with(125).says("x");
        let refused = sampan.busybox(&["--network", "bridge", "--mac-address", "y"], "true");
        let _ = refused.fails_with(125).says("y");
    });
}

#[test]
fn an_alias_needs_a_network_of_ones_own() {
    isolated(|sampan| {
        sampan.load_busybox();
        let outcome =
            sampan.busybox(&["--network", "bridge", "--network-alias", "a"], "true").fails_with(125);
        let _ = outcome.says("alias").says_one_line();
    });
}

#[test]
fn labels_come_from_a_file() {
    isolated(|sampan| {
        sampan.load_busybox();
        let file = sampan.directory().join("labels");
        fs::write(&file, "# comment\na=1\nb\n").unwrap();
        let id = sampan.background(&["--label-file", file.to_str().unwrap(), "--label", "a=2"], "sleep 100");
        assert_eq!(sampan.field(&id, "{{.Config.Labels.a}}|{{.Config.Labels.b}}"), "2|");
        let _ =
            sampan.busybox(&["--label-file", "/nonexistent"], "true").fails_with(125).says("/nonexistent");
    });
}

#[test]
fn logging_is_chosen() {
    isolated(|sampan| {
        sampan.load_busybox();
        let none = sampan.background(&["--log-driver", "none"], "echo lost");
        sampan.await_status(&none, "exited");
        let _ = sampan.run(["logs", &none]).fails_with(1).says("does not support reading");
        // Bounded: after a megabyte of lines, at most two files of 10 kB are there, and the newest line is among them.
        let options = ["--log-opt", "max-size=10k", "--log-opt", "max-file=2"];
        let bounded = sampan.background(&options, "seq 1 20000; echo last");
        sampan.await_status(&bounded, "exited");
        let log = sampan.run(["logs", &bounded]).ok().stdout();
        assert!(log.ends_with("20000\nlast\n") && log.len() < 30_000, "{} bytes", log.len());
        let _ = sampan.busybox(&["--log-driver", "nope"], "true").fails_with(125).says("nope");
        let _ = sampan.busybox(&["--log-opt", "nope=1"], "true").fails_with(125).says("nope");
        let _ = sampan.busybox(&["--log-opt", "max-size=much"], "true").fails_with(125).says("much");
    });
}

#[test]
fn memory_habits_are_passed_on() {
    isolated(|sampan| {
        sampan.load_busybox();
        for (flag, file, value) in [
            ("--memory-swappiness=30", "memory.swappiness", "30"),
            ("--oom-kill-disable", "memory.oom_control", "oom_kill_disable 1"),
        ] {
            let words = sampan.run_words(&["-d", "--memory", "64m", flag], "busybox", &["sleep", "100"]);
            let outcome = sampan.run(words).ok();
            let id = outcome.word();
            if is_unified() {
                // Version 2 has neither; dockerd drops them, says so, and shows them as not set.
                let said = outcome.stderr();
                assert!(said.starts_with("WARNING: Your kernel does not support "), "{said}");
                assert!(said.trim_end().ends_with(" discarded."), "{said}");
            } else {
                let text = sampan.cgroup_file(&id, &[file]);
                assert!(text.contains(value), "{flag}: {text}");
            }
            let host = &sampan.inspected(&id)["HostConfig"];
            let kept = (host["MemorySwappiness"] == 30, host["OomKillDisable"] == true);
            let asked = (flag.contains("swappiness"), flag.contains("oom"));
            assert_eq!(kept, if is_unified() { (false, false) } else { asked }, "{flag}");
            assert_eq!(sampan.cgroup_file(&id, &["memory.limit_in_bytes", "memory.max"]), "67108864");
        }
        let _ = sampan.busybox(&["--memory-swappiness", "101"], "true").fails_with(125).says("swappiness");
        let limited = sampan.background(&["--memory", "32m", "--memory-swap", "48m"], "sleep 100");
        assert_eq!(sampan.inspected(&limited)["HostConfig"]["MemorySwap"], 48 * MEGABYTE);
        // Only where the kernel accounts swap does it have a file: both together in version 1, swap alone in 2.
        let version_1_limit = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes";
        if fs::exists(version_1_limit).unwrap() {
            let total = sampan.cgroup_file(&limited, &["memory.memsw.limit_in_bytes"]);
            assert_eq!(total, (48 * MEGABYTE).to_string());
        }
        let limited = sampan.background(&["--memory", "32m", "--memory-swap", "-1"], "sleep 100");
        assert_eq!(sampan.field(&limited, "{{.HostConfig.Memory}}"), (32 * MEGABYTE).to_string());
    });
}
