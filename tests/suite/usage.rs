//! `stats` and `update`: what containers use, and other limits while they run.

use std::fs;
use tests::container::BUSYBOX;
use tests::{Sampan, eventually, isolated};

const MEGABYTE: u64 = 1024 * 1024;

/// One line of `stats --no-stream` through a template.
fn stats(sampan: &Sampan, name: &str, template: &str) -> String {
    sampan.run(["stats", "--no-stream", "--format", template, name]).ok().word()
}

/// `63.9MiB` as bytes.
fn bytes(text: &str) -> f64 {
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap();
    let unit = match &text[digits..] {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        other => panic!("{other:?} of {text}"),
    };
    text[..digits].parse::<f64>().unwrap() * unit
}

#[test]
fn stats_agree_with_what_is_known() {
    isolated(|sampan| {
        sampan.load_busybox();
        // A file in memory is memory: 48 MiB, charged to who wrote it.
        let options = ["--name", "one", "--memory", "128m", "--tmpfs", "/m:size=64m", "--network", "bridge"];
        let script = "head -c 50331648 /dev/zero > /m/x; echo ready; while :; do :; done";
        let id = sampan.background(&options, script);
        sampan.await_log("one", "ready");
        let usage = stats(sampan, "one", "{{.MemUsage}}");
        let (used, limit) = usage.split_once(" / ").unwrap();
        let known =
            sampan.cgroup_file(&id, &["memory.usage_in_bytes", "memory.current"]).parse::<f64>().unwrap();
        assert_eq!(limit, "128MiB");
        assert!(
            (bytes(used) - 48.0 * MEGABYTE as f64) < 4.0 * MEGABYTE as f64
                && bytes(used) >= 48.0 * MEGABYTE as f64,
            "{usage}"
        );
        assert!((bytes(used) - known).abs() < 2.0 * MEGABYTE as f64, "{usage}, but the kernel says {known}");
        // One shell that does nothing but run takes one processor, less what others take.
        let busy = stats(sampan, "one", "{{.CPUPerc}}");
        let busy: f64 = busy.trim_end_matches('%').parse().unwrap();
        assert!(busy > 5.0 && busy < 130.0, "{busy}");
        assert_eq!(
            stats(sampan, "one", "{{.PIDs}} {{.Name}} {{.ID}} {{.Container}}"),
            format!("1 one {} one", &id[..12])
        );
        let share: f64 = stats(sampan, "one", "{{.MemPerc}}").trim_end_matches('%').parse().unwrap();
        assert!((share - bytes(used) / (1.28 * MEGABYTE as f64)).abs() < 1.0, "{share}");
        // What the kernel counts on its interface.
        let counted = sampan.inside("one", "cat /sys/class/net/eth0/statistics/tx_bytes").ok().word();
        let network = stats(sampan, "one", "{{.NetIO}}");
        let sent = bytes(network.split_once(" / ").unwrap().1);
        assert!(
            sent >= counted.parse::<f64>().unwrap() * 0.98,
            "{network}, but {counted} were counted before"
        );
    });
}

#[test]
fn stats_print_dockers_table() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "up"], "sleep 100");
        let _ = sampan.run(["create", "--name", "down", "--network", "none", BUSYBOX]).ok();
        let table = sampan.run(["stats", "--no-stream"]).ok().stdout();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines[0].split("  ").map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>(),
            ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"]
        );
        assert!(lines.len() == 2 && lines[1].contains("up") && lines[1].contains("0B / 0B"), "{table}");
        let all = sampan
            .run([
                "stats",
                "--no-stream",
                "--all",
                "--format",
                "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}",
            ])
            .ok();
        let _ = all.shows("down 0.00% 0B / 0B 0\n").shows("up 0.");
        let json = sampan
            .run(["container", "stats", "--no-stream", "--no-trunc", "--format", "json", "up"])
            .ok()
            .json();
        assert_eq!(json["ID"].as_str().map(str::len), Some(64));
        let streamed = sampan.command(["stats", "--format", "{{.Name}}", "up"]).start();
        streamed.wait_for_stdout("up\nup\n");
        drop(streamed);
        let _ = sampan
            .run(["stats", "--no-stream", "up", "nobody"])
            .fails_with(1)
            .says("No such container: nobody")
            .prints("");
        let _ = sampan.run(["stats", "--format", "{{", "up"]).fails_with(1).says("template");
    });
}

#[test]
fn update_changes_limits_while_it_runs() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--name", "one", "--memory", "32m"], "sleep 100");
        let words = [
            "update",
            "--memory",
            "48m",
            "--memory-swap",
            "96m",
            "--cpu-shares",
            "512",
            "--pids-limit",
            "50",
            "--cpu-quota",
            "25000",
            "--cpu-period",
            "50000",
            "--cpuset-cpus",
            "0",
            "one",
        ];
        let _ = sampan.run(words).ok().prints("one\n");
        let file = |names: &[&str]| sampan.cgroup_file(&id, names);
        assert_eq!(file(&["memory.limit_in_bytes", "memory.max"]), (48 * MEGABYTE).to_string());
        assert_eq!(file(&["pids.max"]), "50");
        assert_eq!(file(&["cpuset.cpus"]), "0");
        let quota = file(&["cpu.cfs_quota_us", "cpu.max"]);
        assert!(quota == "25000" || quota == "25000 50000", "{quota}");
        assert_eq!(
            sampan.field("one", "{{.HostConfig.Memory}} {{.HostConfig.CpuShares}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpusetCpus}}"),
            format!("{} 512 50 0", 48 * MEGABYTE)
        );
        // Devices work on, also those opened anew.
        let _ = sampan.inside("one", "echo x > /dev/null && head -c 1 /dev/zero | wc -c").ok().prints("1\n");
        // The next run has them too.
        let _ = sampan.run(["restart", "-t", "0", "one"]).ok();
        assert_eq!(file(&["pids.max"]), "50");
        let _ = sampan.run(["update", "--pids-limit", "-1", "one"]).ok();
        assert_eq!(file(&["pids.max"]), "max");
        let _ = sampan.run(["stop", "-t", "0", "one"]).ok();
        let _ = sampan.run(["container", "update", "--pids-limit", "20", "one"]).ok();
        let _ = sampan.run(["start", "one"]).ok();
        assert_eq!(file(&["pids.max"]), "20");
        let events = sampan
            .run(["events", "--since", "1h", "--until", "0s", "--filter", "event=update"])
            .ok()
            .stdout();
        assert_eq!(events.lines().count(), 3, "{events}");
    });
}

#[test]
fn what_update_refuses_changes_nothing() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--name", "one", "--memory", "64m", "--cpus", "0.5"], "sleep 100");
        let limits = || {
            let file = |names: &[&str]| sampan.cgroup_file(&id, names);
            (
                file(&["memory.limit_in_bytes", "memory.max"]),
                file(&["pids.max"]),
                sampan.field("one", "{{json .HostConfig}}"),
            )
        };
        let before = limits();
        let refused = |words: &[&str], code: i32, told: &str| {
            let _ = sampan.run(["update"].iter().chain(words)).fails_with(code).says(told);
        };
        refused(&["one"], 1, "you must provide one or more flags");
        refused(&["--pids-limit", "9", "nobody"], 1, "No such container: nobody");
        refused(&["--memory", "1g", "one"], 1, "update the memoryswap at the same time");
        refused(&["--memory", "4m", "one"], 1, "Minimum memory limit allowed is 6MB");
        refused(&["--cpu-quota", "9000", "one"], 1, "NanoCPUs has already been set");
        refused(&["--cpuset-cpus", "999", "--pids-limit", "9", "one"], 1, "Requested CPUs are not available");
        refused(&["--restart", "sometimes", "one"], 125, "sometimes");
        refused(&["--kernel-memory", "4m", "one"], 125, "not supported");
        assert_eq!(limits(), before);
        let _ = sampan.background(&["--name", "two", "--rm"], "sleep 100");
        refused(&["--restart", "always", "two"], 1, "AutoRemove is enabled");
        // One of two: the other is changed all the same.
        let _ = sampan.run(["update", "--pids-limit", "30", "nobody", "one"]).fails_with(1).prints("one\n");
        assert_eq!(limits().1, "30");
    });
}

#[test]
fn update_changes_the_restart_policy() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one"], "while [ ! -e /end ]; do sleep 0.05; done; exit 3");
        let _ = sampan.run(["update", "--restart", "on-failure:2", "one"]).ok();
        assert_eq!(
            sampan.field(
                "one",
                "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}"
            ),
            "on-failure 2"
        );
        let file = sampan.directory().join("end");
        fs::write(&file, "").unwrap();
        let _ = sampan.run(["cp", file.to_str().unwrap(), "one:/end"]).ok();
        eventually("it was restarted twice", || {
            sampan.field("one", "{{.State.Status}} {{.RestartCount}}") == "exited 2"
        });
    });
}
