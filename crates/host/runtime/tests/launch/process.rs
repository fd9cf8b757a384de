//! What the program is given: identity, limits, signals, descriptors, directory, environment.

use crate::Test;
use crate::container::{Container, chain, words};
use spec::runtime::{Capabilities, IoPriority, Rlimit, Scheduler};

pub(crate) const TESTS: &[Test] = &[
    ("root_has_exactly_the_capabilities_of_the_spec", capabilities),
    ("another_user_has_its_ids_and_ambient_capabilities", user),
    ("no_capabilities_are_given_where_none_are_named", no_capabilities),
    ("what_is_not_ours_to_give_is_warned_about", not_ours),
    ("signals_are_reset", signals),
    ("no_descriptor_is_inherited", descriptors),
    ("limits_are_set_and_refusals_explained", limits),
    ("no_new_privs_is_set", no_new_privs),
    ("the_umask_is_the_spec_s", umask),
    ("the_working_directory_is_made_and_entered", working_directory),
    ("the_environment_is_the_spec_s_and_home_is_found", environment),
    ("scheduling_is_set", scheduling),
    ("the_oom_score_is_set", oom_score),
    ("sysctls_are_written_in_the_container_s_namespaces", sysctls),
    ("programs_that_cannot_run_have_docker_s_codes", refused_programs),
    ("the_session_is_its_own", session),
    ("a_time_namespace_has_its_offsets", time),
];

fn status(container: &Container, field: &str) -> String {
    let said = container.run();
    let line = said
        .out
        .lines()
        .find(|line| line.starts_with(field))
        .unwrap_or_else(|| panic!("{field} in {said:?}"));
    line.split_once(':').unwrap().1.trim().to_owned()
}

fn capabilities() {
    let container = Container::new("cat /proc/self/status");
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        assert_eq!(status(&container, set), "00000000000000e3", "{set}");
    }
    assert_eq!(status(&container, "CapAmb"), "0000000000000000");
}

fn user() {
    let mut container = Container::new("id -u; id -g; id -G; cat /proc/self/status");
    let process = container.process();
    process.user.uid = 33;
    process.user.gid = 34;
    process.user.additional_gids = vec![7, 8];
    let kill = words(&["CAP_KILL"]);
    process.capabilities = Some(Capabilities {
        bounding: kill.clone(),
        effective: kill.clone(),
        permitted: kill.clone(),
        inheritable: kill.clone(),
        ambient: kill,
    });
    let said = container.run();
    assert!(said.out.starts_with("33\n34\n34 7 8\n"), "{said:?}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(said.out.contains(&format!("{set}:\t0000000000000020")), "{set} in {said:?}");
    }
}

fn no_capabilities() {
    let mut container = Container::new("cat /proc/self/status");
    container.process().capabilities = None;
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        assert_eq!(status(&container, set), "0000000000000000", "{set}");
    }
}

fn not_ours() {
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let own = own.lines().find(|line| line.starts_with("CapPrm")).unwrap().split_whitespace().nth(1).unwrap();
    let held = u64::from_str_radix(own, 16).unwrap();
    let Some(missing) = (0..41).find(|number| held & (1 << number) == 0) else { return };
    let name = runtime::capability::name(missing).unwrap();
    let mut container = Container::new("true");
    container.process().capabilities =
        Some(Capabilities { permitted: words(&[name, "CAP_KILL"]), ..Capabilities::default() });
    let said = container.run();
    assert_eq!(said.warnings, [format!("process.capabilities: {name} is not ours to give")]);
}

fn signals() {
    // Rust ignores SIGPIPE; the shell that started the tests may have blocked others.
    let before = kernel::signal::set_mask(kernel::signal::Set::NONE.with(10)).unwrap();
    let mut container = Container::new("");
    container.process().args = words(&["grep", "Sig", "/proc/self/status"]);
    let said = container.run();
    kernel::signal::set_mask(before).unwrap();
    for set in ["SigBlk", "SigIgn"] {
        assert!(said.out.contains(&format!("{set}:\t0000000000000000")), "{said:?}");
    }
}

fn descriptors() {
    // One that is not closed on exec.
    let leak = rustix::fs::open("/etc", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
    let said = Container::new("cd /proc/self/fd; for f in *; do echo $f; done").run();
    drop(leak);
    // The shell's own for the directory it lists is gone by the time it prints.
    assert!(said.out.split_whitespace().all(|fd| ["0", "1", "2", "3"].contains(&fd)), "{said:?}");
    let said = Container::new("readlink /proc/self/fd/3 || echo none").run();
    assert_eq!(said.out, "none\n");
}

fn limits() {
    let mut container = Container::new("ulimit -n; ulimit -Hn");
    let (_, hard) = kernel::settings::limit(7).unwrap();
    container.process().rlimits = vec![Rlimit { kind: "RLIMIT_NOFILE".into(), soft: 100, hard: 200 }];
    assert_eq!(container.run().out, "100\n200\n");
    container.process().rlimits = vec![Rlimit { kind: "RLIMIT_NOFILE".into(), soft: 100, hard: hard + 1 }];
    let capable = std::fs::read_to_string("/proc/self/status").unwrap().contains("CapEff:\t000001ffffffffff");
    if !capable {
        let expected = format!(
            "set limit RLIMIT_NOFILE to 100:{} (the hard limit cannot be raised above {hard})",
            hard + 1
        );
        assert_eq!(container.refusal(), format!("{expected}: operation not permitted"));
    }
}

fn no_new_privs() {
    let mut container = Container::new("cat /proc/self/status");
    assert_eq!(status(&container, "NoNewPrivs"), "0");
    container.process().no_new_privileges = true;
    assert_eq!(status(&container, "NoNewPrivs"), "1");
}

fn umask() {
    let mut container = Container::new("umask; stat -c %a /dev/null");
    assert_eq!(container.run().out, "0022\n666\n");
    container.process().user.umask = Some(0o77);
    assert_eq!(container.run().out, "0077\n666\n");
}

fn working_directory() {
    let mut container = Container::new("pwd; stat -c %a .");
    container.process().cwd = "/srv/a/b".into();
    assert_eq!(container.run().out, "/srv/a/b\n755\n");
    container.process().cwd = "/etc/passwd".into();
    assert_eq!(container.refusal(), "change to working directory /etc/passwd: not a directory");
}

fn environment() {
    let mut container = Container::new("echo $HOME $A");
    container.process().env.push("A=b c".into());
    assert_eq!(container.run().out, "/root b c\n");
    container.process().user.uid = 33;
    assert_eq!(container.run().out, "/www b c\n");
    container.process().user.uid = 4242;
    assert_eq!(container.run().out, "/ b c\n");
    container.process().env.push("HOME=/mine".into());
    assert_eq!(container.run().out, "/mine b c\n");
    container.process().env.push("X=\0".into());
    assert_eq!(container.refusal(), "process.env: \"X=\\0\" contains a zero byte");
}

fn scheduling() {
    let mut container = Container::new("cat /proc/self/stat");
    container.process().scheduler =
        Some(Scheduler { policy: "SCHED_BATCH".into(), nice: 5, ..Scheduler::default() });
    container.process().io_priority = Some(IoPriority { class: "IOPRIO_CLASS_IDLE".into(), priority: 0 });
    let said = container.run();
    let fields: Vec<&str> = said.out.rsplit_once(") ").unwrap().1.split_whitespace().collect();
    // Fields 19 (nice) and 41 (policy) of proc_pid_stat(5), counted from the third.
    assert_eq!((fields[16], fields[38]), ("5", "3"), "{said:?}");
}

fn oom_score() {
    let mut container = Container::new("cat /proc/self/oom_score_adj");
    container.process().oom_score_adj = Some(500);
    assert_eq!(container.run().out, "500\n");
}

fn sysctls() {
    let mut container = Container::new("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax");
    let host = std::fs::read_to_string("/proc/sys/kernel/msgmax").unwrap();
    container.linux().sysctl.insert("net.ipv4.ip_forward".into(), "1".into());
    container.linux().sysctl.insert("kernel.msgmax".into(), "4097".into());
    assert_eq!(container.run().out, "1\n4097\n");
    assert_eq!(std::fs::read_to_string("/proc/sys/kernel/msgmax").unwrap(), host);
    container.linux().sysctl.insert("net.ipv4.nothing".into(), "1".into());
    assert_eq!(container.refusal(), "set kernel parameter net.ipv4.nothing = 1: no such file or directory");
}

fn refused_programs() {
    let mut container = Container::new("");
    std::fs::write(container.lower().join("etc/text"), "x").unwrap();
    std::fs::write(container.lower().join("bin/garbage"), "\x7fnonsense").unwrap();
    std::fs::write(container.lower().join("bin/orphan"), "#!/bin/missing\n").unwrap();
    for name in ["bin/garbage", "bin/orphan"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(container.lower().join(name), mode).unwrap();
    }
    for (program, code, message) in [
        ("foo", 127, "exec: \"foo\": executable file not found in $PATH"),
        ("/foo", 127, "exec: \"/foo\": no such file or directory"),
        ("/etc", 126, "exec: \"/etc\": is a directory"),
        ("/etc/text", 126, "exec: \"/etc/text\": permission denied"),
        ("garbage", 126, "exec: \"garbage\": exec format error"),
        ("orphan", 127, "exec: \"orphan\": no such file or directory"),
    ] {
        container.process().args = words(&[program]);
        let error = container.try_run().unwrap_err();
        assert_eq!((chain(&error).as_str(), error.exit_code()), (message, code));
    }
}

fn session() {
    let said = Container::new("cat /proc/self/stat").run();
    let fields: Vec<&str> = said.out.rsplit_once(") ").unwrap().1.split_whitespace().collect();
    // Group, session and terminal: the shell is its own leader and has none.
    assert_eq!((fields[2], fields[3], fields[4]), ("1", "1", "0"), "{said:?}");
}

fn time() {
    let mut container = Container::new("cat /proc/uptime; readlink /proc/self/ns/time");
    container.linux().namespaces.push(spec::runtime::Namespace { kind: "time".into(), path: None });
    let offset = spec::runtime::TimeOffset { secs: 1_000_000, nanosecs: 0 };
    container.linux().time_offsets.insert("boottime".into(), offset);
    let said = container.run();
    assert!(said.out.split('.').next().unwrap().parse::<u64>().unwrap() > 1_000_000, "{said:?}");
    let own = std::fs::read_link("/proc/self/ns/time").unwrap();
    assert_ne!(said.out.lines().nth(1), own.to_str());
}
