//! Flags of `run` that limit: each is read from inside, and from outside in the control group.

use tests::census::cgroup::is_unified;
use tests::isolated;

const MEGABYTE: u64 = 1024 * 1024;

#[test]
fn memory_is_limited() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--memory", "32m"], "sleep 100");
        let limit = sampan.cgroup_file(&id, &["memory.limit_in_bytes", "memory.max"]);
        assert_eq!(limit, (32 * MEGABYTE).to_string());
        assert_eq!(sampan.field(&id, "{{.HostConfig.Memory}}"), limit);
        let eater = "head -c 64m /dev/zero | tail; exit $?";
        let _ = sampan
            .run(sampan.run_words(&["-m", "16m", "--name", "eater"], "busybox", &["sh", "-c", eater]))
            .fails_with(137);
        assert_eq!(sampan.field("eater", "{{.State.OOMKilled}} {{.State.ExitCode}}"), "true 137");
        let _ = sampan
            .busybox(&["--memory", "5m"], "true")
            .fails_with(125)
            .says("Minimum memory limit allowed is 6MB");
        let _ = sampan.busybox(&["--memory", "-1"], "true").fails_with(125);
    });
}

#[test]
fn cpu_time_is_limited() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--cpus", "0.5"], "sleep 100");
        let quota = sampan.cgroup_file(&id, &["cpu.cfs_quota_us", "cpu.max"]);
        assert!(quota == "50000" || quota == "50000 100000", "{quota}");
        assert_eq!(sampan.field(&id, "{{.HostConfig.NanoCpus}}"), "500000000");
        // Twice the time for the work: the clock against the processor's own account.
        let busy = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; cat /sys/fs/cgroup/cpu/cpu.stat /sys/fs/cgroup/cpu.stat 2>/dev/null | grep nr_throttled";
        let throttled = sampan.busybox(&["--cpus", "0.1"], busy).ok().word();
        assert!(!throttled.ends_with(" 0"), "never throttled: {throttled}");
        let _ = sampan.busybox(&["--cpus", "1000"], "true").fails_with(125).says("CPUs");
        let _ = sampan.busybox(&["--cpus", "half"], "true").fails_with(125).says("half");
    });
}

#[test]
fn a_set_of_cpus_is_kept_to() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "grep Cpus_allowed_list /proc/self/status | cut -f2; nproc";
        let _ = sampan.busybox(&["--cpuset-cpus", "0"], script).ok().prints("0\n1\n");
        let id = sampan.background(&["--cpuset-cpus", "0"], "sleep 100");
        assert_eq!(sampan.cgroup_file(&id, &["cpuset.cpus"]), "0");
        let id = sampan.background(&["--cpuset-mems", "0"], "sleep 100");
        assert_eq!(sampan.cgroup_file(&id, &["cpuset.mems"]), "0");
        let _ = sampan.busybox(&["--cpuset-mems", "99"], "true").fails_with(125).says("99");
        let _ = sampan.busybox(&["--cpuset-cpus", "0-999"], "true").fails_with(125).says("0-999");
        let _ = sampan.busybox(&["--cpuset-cpus", "zero"], "true").fails_with(125).says("zero");
    });
}

#[test]
fn processes_are_limited() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--pids-limit", "9"], "sleep 100");
        assert_eq!(sampan.cgroup_file(&id, &["pids.max"]), "9");
        let many = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 3 & done";
        let _ = sampan.busybox(&["--pids-limit", "5"], many).says("fork");
        let id = sampan.background(&["--pids-limit", "-1"], "sleep 100");
        assert_eq!(sampan.cgroup_file(&id, &["pids.max"]), "max");
    });
}

#[test]
fn resource_limits_of_processes_are_set() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "ulimit -Sn; ulimit -Hn; ulimit -c";
        let options = ["--ulimit", "nofile=100:200", "--ulimit", "core=0"];
        let _ = sampan.busybox(&options, script).ok().prints("100\n200\n0\n");
        let _ = sampan.busybox(&["--ulimit", "nofile=77"], "ulimit -Sn; ulimit -Hn").ok().prints("77\n77\n");
        let id = sampan.background(&["--ulimit", "nofile=100:200"], "sleep 100");
        let pid = sampan.field(&id, "{{.State.Pid}}");
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["100", "200"]);
        let _ = sampan
            .busybox(&["--ulimit", "nofile=200:100"], "true")
            .fails_with(125)
            .says("soft limit must be less than or equal to hard limit");
        let _ = sampan.busybox(&["--ulimit", "nosuch=1"], "true").fails_with(125).says("nosuch");
        let _ = sampan.busybox(&["--ulimit", "nofile"], "true").fails_with(125).says("nofile");
    });
}

#[test]
fn weights_and_swap_are_passed_on() {
    isolated(|sampan| {
        sampan.load_busybox();
        let options = [
            "--cpu-shares",
            "512",
            "--memory",
            "64m",
            "--memory-reservation",
            "32m",
            "--oom-score-adj",
            "500",
        ];
        let id = sampan.background(&options, "sleep 100");
        let weight = sampan.cgroup_file(&id, &["cpu.shares", "cpu.weight"]);
        // On the curve of runc 1.4 and crun 1.23, 512 of version 1 is 59 of version 2; the default stays the default.
        assert_eq!(weight, if is_unified() { "59" } else { "512" });
        let soft = sampan.cgroup_file(&id, &["memory.soft_limit_in_bytes", "memory.low"]);
        assert_eq!(soft, (32 * MEGABYTE).to_string());
        let _ = sampan.inside(&id, "cat /proc/1/oom_score_adj").ok().prints("500\n");
        let id = sampan.background(&["--cpu-shares", "1024"], "sleep 100");
        let weight = sampan.cgroup_file(&id, &["cpu.shares", "cpu.weight"]);
        assert_eq!(weight, if is_unified() { "100" } else { "1024" });
        let _ = sampan
            .busybox(&["--memory", "16m", "--memory-swap", "8m"], "true")
            .fails_with(125)
            .says("Minimum memoryswap limit should be larger than memory limit");
        let _ = sampan.busybox(&["--memory-swap", "64m"], "true").fails_with(125).says("Memory");
    });
}

#[test]
fn quota_and_period_are_passed_on() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--cpu-period", "50000", "--cpu-quota", "25000"], "sleep 100");
        let quota = sampan.cgroup_file(&id, &["cpu.cfs_quota_us", "cpu.max"]);
        assert!(quota == "25000" || quota == "25000 50000", "{quota}");
        let _ = sampan
            .busybox(&["--cpus", "1", "--cpu-quota", "25000"], "true")
            .fails_with(125)
            .says("Conflicting options");
        let _ = sampan.busybox(&["--cpu-period", "10"], "true").fails_with(125).says("period");
    });
}
