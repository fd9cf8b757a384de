//! Giving up everything that answering questions does not need.

use super::order::View;
use super::serve::Sockets;
use runtime::seccomp::Program;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use spec::runtime::{Seccomp, SyscallArg, SyscallRule};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// `nobody`, as everywhere.
const NOBODY: u32 = 65534;
/// Descriptors at the most: sockets of clients and of forwarded queries.
const FDS: u64 = 512;
/// `EPERM`
const DENIED: u32 = 1;
/// `O_ACCMODE | O_CREAT`: any bit of them makes an open(2) one for writing.
const WRITING: u64 = 0o3 | 0o100;
/// `F_GETFD`
const GET_DESCRIPTOR_FLAGS: u64 = 1;
/// `F_GETFL`
const GET_STATUS_FLAGS: u64 = 3;
/// `AF_INET`
const INTERNET: u64 = 2;
/// `PROT_EXEC`
const EXECUTABLE: u64 = 4;

/// System calls that need no condition.
const FREE: &[&str] = &[
    "accept4",
    "brk",
    "clock_gettime",
    "close",
    "exit",
    "exit_group",
    "fstat",
    "getdents64",
    "getrandom",
    "getsockopt",
    "lseek",
    "madvise",
    "mremap",
    "munmap",
    "newfstatat",
    "poll",
    "ppoll",
    "read",
    "recvfrom",
    "recvmsg",
    "restart_syscall",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "statx",
    "write",
];

/// Confines the calling process, which is root and has one thread. `root` becomes its root directory; the directories
/// above it are closed to others.
pub(super) fn confine(root: BorrowedFd<'_>, sockets: &Sockets, view: View) -> rustix::io::Result<()> {
    // Compiled before anything is given up: it is the only step that may fail for reasons of ours.
    let filter = Program::compile(&profile(sockets, view)).map_err(|_| Errno::INVAL)?.0;
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    for resource in [Resource::Core, Resource::Fsize] {
        rustix::process::setrlimit(resource, none)?;
    }
    let inherited = rustix::process::getrlimit(Resource::Nofile).maximum.unwrap_or(FDS);
    let files = Some(FDS.min(inherited));
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: files, maximum: files })?;
    rustix::process::umask(Mode::from_raw_mode(0o077));
    rustix::process::fchdir(root)?;
    rustix::process::chroot(".")?;
    for capability in 0..64 {
        match kernel::settings::drop_bounding_capability(capability) {
            Err(Errno::INVAL) => break,
            done => done?,
        }
    }
    kernel::settings::set_groups(&[])?;
    kernel::settings::set_group(NOBODY)?;
    // Away from user 0 all capabilities go (capabilities(7), "Effect of user ID changes on capabilities").
    kernel::settings::set_user(NOBODY)?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    filter.install().map(drop)
}

fn rule(names: &[&str], args: Vec<SyscallArg>) -> SyscallRule {
    let names = names.iter().map(ToString::to_string).collect();
    SyscallRule { names, action: "SCMP_ACT_ALLOW".into(), errno_ret: None, args }
}

fn equal(index: u32, value: u64) -> SyscallArg {
    SyscallArg { index, value, value_two: 0, op: "SCMP_CMP_EQ".into() }
}

/// None of the bits.
fn without(index: u32, mask: u64) -> SyscallArg {
    SyscallArg { index, value: mask, value_two: 0, op: "SCMP_CMP_MASKED_EQ".into() }
}

fn number(fd: &OwnedFd) -> u64 {
    u64::try_from(fd.as_raw_fd()).unwrap_or(u64::MAX)
}

fn profile(sockets: &Sockets, view: View) -> Seccomp {
    let mut syscalls = vec![
        rule(FREE, Vec::new()),
        rule(&["openat"], vec![without(2, WRITING)]),
        rule(&["fcntl"], vec![equal(1, GET_DESCRIPTOR_FLAGS)]),
        rule(&["fcntl"], vec![equal(1, GET_STATUS_FLAGS)]),
        rule(&["mmap"], vec![without(2, EXECUTABLE)]),
        rule(&["sendmsg"], vec![equal(0, number(&sockets.control))]),
        // To a named receiver only from the socket that the container asks.
        rule(&["sendto"], vec![equal(0, number(&sockets.datagrams))]),
        rule(&["sendto"], vec![equal(4, 0)]),
    ];
    if view == View::Sandbox {
        syscalls.push(rule(&["socket"], vec![equal(0, INTERNET)]));
        syscalls.push(rule(&["connect"], Vec::new()));
    }
    Seccomp {
        default_action: "SCMP_ACT_ERRNO".into(),
        default_errno_ret: Some(DENIED),
        syscalls,
        ..Seccomp::default()
    }
}
