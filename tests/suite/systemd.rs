//! Beside systemd, which owns the control groups of the machine: what it does must not take anything from containers,
//! and what it ends must not end them.

use std::fs;
use tests::invocation::Invocation;
use tests::{Sampan, eventually, isolated, paths, skip};

#[test]
fn limits_outlive_a_reload() {
    skip!("systemd");
    isolated(|sampan| {
        sampan.load_busybox();
        let options = ["--memory", "64m", "--cpus", "0.5", "--pids-limit", "9", "--cpu-shares", "512"];
        let id = sampan.background(&options, "sleep 1000");
        let limits = || {
            [
                &["memory.max", "memory.limit_in_bytes"],
                &["cpu.max", "cpu.cfs_quota_us"],
                &["cpu.weight", "cpu.shares"],
                &["pids.max", "pids.max"],
            ]
            .map(|names| sampan.cgroup_file(&id, names))
        };
        let before = limits();
        // A unit with limits makes systemd look anew at which controllers the top of the tree needs, and its end too.
        let unit = ["--wait", "--collect", "--quiet", "-p", "CPUWeight=50", "-p", "MemoryMax=64M", "true"];
        let _ = Invocation::new("systemd-run", unit).run().ok();
        for command in ["daemon-reload", "daemon-reexec"] {
            // By the bus: systemd does not know who speaks to its own socket from another pid namespace.
            let _ = Invocation::new("systemctl", [command]).env("SYSTEMCTL_FORCE_BUS", "1").run().ok();
            assert_eq!(limits(), before, "after {command}");
        }
        let many = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 3 & done";
        let _ = sampan.inside(&id, many).says("fork");
        let later = sampan.background(&options, "sleep 1000");
        assert_eq!(sampan.cgroup_file(&later, &["pids.max"]), "9");
    });
}

/// Not in a pid namespace of its own: the service is started by the machine's own pid 1.
#[test]
fn a_container_outlives_the_service_that_started_it() {
    skip!("systemd");
    let directory = tempfile::Builder::new().prefix("sp-").tempdir_in("/tmp").unwrap();
    let sampan = Sampan::new(directory.path(), paths::program());
    sampan.load_busybox();
    let root = |name: &str, path: std::path::PathBuf| format!("--setenv={name}={}", path.display());
    let words = [
        "--wait".to_owned(),
        "--collect".to_owned(),
        "--quiet".to_owned(),
        root("SAMPAN_DATA_ROOT", sampan.data_root()),
        root("SAMPAN_EXEC_ROOT", sampan.exec_root()),
        sampan.program().display().to_string(),
    ];
    let command = ["run", "-d", "--name", "kept", "--network", "none", "--restart", "always"];
    let command = command.into_iter().chain(["busybox", "sleep", "1000"]).map(str::to_owned);
    let _ = Invocation::new("systemd-run", words.into_iter().chain(command)).run().ok();
    // The service is over, and with it everything that was left in its control group.
    assert_eq!(sampan.field("kept", "{{.State.Status}}"), "running");
    let id = sampan.field("kept", "{{.Id}}");
    let fact = sampan.data_root().join("containers").join(&id).join("started.json");
    let monitor = || -> u64 {
        let fact: serde_json::Value = serde_json::from_slice(&fs::read(&fact).unwrap()).unwrap();
        fact["monitor_pid"].as_u64().unwrap()
    };
    let first = monitor();
    let group = fs::read_to_string(format!("/proc/{first}/cgroup")).unwrap_or_default();
    assert!(group.contains("/sampan-"), "the monitor ended with the service, or was left in {group:?}");
    // It does what nobody else would.
    let pid = sampan.field("kept", "{{.State.Pid}}");
    let _ = Invocation::new("kill", ["-KILL", &pid]).run().ok();
    eventually("it is restarted", || {
        let now = sampan.field("kept", "{{.State.Status}} {{.State.Pid}}");
        now.starts_with("running ") && now != format!("running {pid}")
    });
    assert_eq!(monitor(), first);
    // Other tests run in this pid namespace, so what is left is counted by the instance itself.
    let _ = sampan.run(["rm", "--force", "kept"]).ok();
    let _ = sampan.run(["system", "check"]).ok();
}
