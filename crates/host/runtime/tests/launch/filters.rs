//! Seccomp filters and their agents.

use crate::Test;
use crate::container::{Container, Said, output, reap, streams, text};
use runtime::seccomp::Program;
use runtime::{HookContext, Launch, Stdio};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use spec::runtime::{Seccomp, SyscallRule};
use std::io::{IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

pub(crate) const TESTS: &[Test] = &[
    ("a_filter_is_in_force", in_force),
    ("a_filter_may_forbid_everything_but_executing", strict),
    ("the_default_filter_runs_a_shell", default_filter),
    ("the_agent_gets_the_listener_and_the_state", agent),
];

fn seccomp(default: &str, names: &[&str], action: &str) -> Seccomp {
    Seccomp {
        default_action: default.into(),
        syscalls: vec![SyscallRule {
            names: crate::container::words(names),
            action: action.into(),
            ..SyscallRule::default()
        }],
        ..Seccomp::default()
    }
}

fn run_with(container: &Container, filter: &Program) -> Said {
    let out = output();
    let mut launch = Launch::new(&container.spec, &container.rootfs, Stdio::Fds(streams(&out)));
    launch.seccomp = Some(filter);
    let created =
        runtime::create(launch).unwrap_or_else(|error| panic!("{}", crate::container::chain(&error)));
    let code = reap(&created.start().unwrap());
    Said { out: text(out), code, warnings: Vec::new() }
}

fn in_force() {
    let (filter, _) =
        Program::compile(&seccomp("SCMP_ACT_ALLOW", &["mkdir", "mkdirat"], "SCMP_ACT_ERRNO")).unwrap();
    for no_new_privileges in [false, true] {
        let mut container = Container::new("mkdir /tmp/x; grep Seccomp: /proc/self/status");
        container.process().no_new_privileges = no_new_privileges;
        let said = run_with(&container, &filter);
        assert_eq!(
            said.out,
            "mkdir: can't create directory '/tmp/x': Operation not permitted\nSeccomp:\t2\n"
        );
    }
}

fn strict() {
    // None of the calls by which the process is shaped is allowed: the filter must come after all of them.
    let allowed = [
        "execve",
        "prctl",
        "exit",
        "exit_group",
        "write",
        "arch_prctl",
        "brk",
        "mmap",
        "mprotect",
        "set_tid_address",
        "set_robust_list",
        "rseq",
        "prlimit64",
        "readlink",
        "readlinkat",
        "getrandom",
        "getuid",
        "fstat",
        "uname",
        "rt_sigaction",
        "ioctl",
        "newfstatat",
        "munmap",
        "geteuid",
        "getpid",
    ];
    let (filter, _) = Program::compile(&seccomp("SCMP_ACT_ERRNO", &allowed, "SCMP_ACT_ALLOW")).unwrap();
    let mut container = Container::new("");
    container.process().no_new_privileges = true;
    container.process().args = crate::container::words(&["/bin/busybox", "echo", "alive"]);
    let said = run_with(&container, &filter);
    assert_eq!((said.code, said.out.as_str()), (0, "alive\n"));
}

fn default_filter() {
    let filter = Program::default_for(runtime::seccomp::CapabilitySet::default()).unwrap();
    let said = run_with(&Container::new("mount -t tmpfs x /tmp; ls / | grep bin"), &filter);
    assert_eq!(said.out.lines().last(), Some("bin"), "{said:?}");
    assert!(said.out.contains("mount: permission denied") || said.out.contains("not permitted"), "{said:?}");
}

fn agent() {
    let mut section = seccomp("SCMP_ACT_ALLOW", &["getpgrp"], "SCMP_ACT_NOTIFY");
    let mut container = Container::new("true");
    let path = container.directory.path().join("agent.sock");
    let listener = UnixListener::bind(&path).unwrap();
    section.listener_path = Some(path);
    section.listener_metadata = "hello".into();
    let (filter, _) = Program::compile(&section).unwrap();
    container.linux().seccomp = Some(section);
    let out = output();
    let mut launch = Launch::new(&container.spec, &container.rootfs, Stdio::Fds(streams(&out)));
    launch.seccomp = Some(&filter);
    launch.hooks = Some(HookContext { id: "c1", bundle: container.directory.path() });
    let created = runtime::create(launch).unwrap();
    let (mut connection, _) = listener.accept().unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut first = [0; 4096];
    let mut parts = [IoSliceMut::new(&mut first)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let length = rustix::net::recvmsg(connection.as_fd(), &mut parts, &mut ancillary, flags).unwrap().bytes;
    let mut text = String::from_utf8_lossy(&first[..length]).into_owned();
    connection.read_to_string(&mut text).unwrap();
    let fds: usize = ancillary
        .drain()
        .map(|message| if let RecvAncillaryMessage::ScmRights(fds) = message { fds.count() } else { 0 })
        .sum();
    assert_eq!(fds, 1);
    assert!(text.contains("\"metadata\":\"hello\"") && text.contains("\"id\":\"c1\""), "{text}");
    assert!(text.contains(&format!("\"pid\":{},\"metadata\"", created.pid())), "{text}");
}
