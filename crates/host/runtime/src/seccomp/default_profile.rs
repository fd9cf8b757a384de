//! Docker's default profile (moby 28, profiles/seccomp/default.json), as data of the program.
//!
//! What a container may call follows from its architecture and from the capabilities in its bounding set. Names that
//! only other architectures have are left out, and so is the condition on the kernel's version, since every kernel
//! that we support meets it. One rule is stricter: Docker allows every socket family but vsock, by a 64-bit
//! comparison, while the kernel looks at the low half alone; `socket(0x1_0000_0028)` is a way around. Here the known
//! families are listed, as newer versions of Docker do.

use super::filter::{Comparison, Condition, Filter, Rule, Verdict};
use super::numbers::Call;
use super::{Arch, CapabilitySet};
use kernel::seccomp::Flags;
use spec::runtime::{Seccomp, SyscallArg, SyscallRule};
use std::borrow::Cow;

/// Numbers of capabilities (linux/capability.h).
const DAC_READ_SEARCH: u32 = 2;
const SYS_MODULE: u32 = 16;
const SYS_RAWIO: u32 = 17;
const SYS_CHROOT: u32 = 18;
const SYS_PTRACE: u32 = 19;
const SYS_PACCT: u32 = 20;
const SYS_ADMIN: u32 = 21;
const SYS_BOOT: u32 = 22;
const SYS_NICE: u32 = 23;
const SYS_TIME: u32 = 25;
const SYS_TTY_CONFIG: u32 = 26;
const SYSLOG: u32 = 34;
const PERFMON: u32 = 38;
const BPF: u32 = 39;

/// The namespace flags of clone(2), all but that of time namespaces, which clone cannot make.
const NAMESPACES: u64 = 0x7e02_0000;
/// `AF_VSOCK`, and the families after it up to `AF_MAX`.
const VSOCK: u64 = 40;
const ENOSYS: u32 = 38;

/// When a group applies.
#[derive(Debug, Clone, Copy)]
enum When {
    Always,
    Has(u32),
    Lacks(u32),
    /// On these native architectures.
    On(&'static [Arch]),
}

/// Calls with one verdict.
#[derive(Debug)]
struct Group {
    calls: &'static [Call],
    when: When,
    verdict: Verdict,
    conditions: &'static [Condition],
}

const fn allow(when: When, calls: &'static [Call]) -> Group {
    Group { calls, when, verdict: Verdict::ALLOW, conditions: &[] }
}

const fn allow_if(when: When, calls: &'static [Call], conditions: &'static [Condition]) -> Group {
    Group { calls, when, verdict: Verdict::ALLOW, conditions }
}

const fn first_is(comparison: Comparison, value: u64) -> Condition {
    Condition::new(0, comparison, value)
}

const SOCKET: &[Call] = &Call::all(["socket"]);
const PERSONALITY: &[Call] = &Call::all(["personality"]);

static GROUPS: &[Group] = &[
    allow(When::Always, ORDINARY),
    allow_if(When::Always, SOCKET, &[first_is(Comparison::Less, VSOCK)]),
    allow_if(When::Always, SOCKET, &[first_is(Comparison::Equal, VSOCK + 1)]),
    allow_if(When::Always, SOCKET, &[first_is(Comparison::Equal, VSOCK + 2)]),
    allow_if(When::Always, SOCKET, &[first_is(Comparison::Equal, VSOCK + 3)]),
    allow_if(When::Always, SOCKET, &[first_is(Comparison::Equal, VSOCK + 4)]),
    allow_if(When::Always, SOCKET, &[first_is(Comparison::Equal, VSOCK + 5)]),
    // PER_LINUX, PER_LINUX32, UNAME26 with either, and the question what is set.
    allow_if(When::Always, PERSONALITY, &[first_is(Comparison::Equal, 0)]),
    allow_if(When::Always, PERSONALITY, &[first_is(Comparison::Equal, 8)]),
    allow_if(When::Always, PERSONALITY, &[first_is(Comparison::Equal, 0x2_0000)]),
    allow_if(When::Always, PERSONALITY, &[first_is(Comparison::Equal, 0x2_0008)]),
    allow_if(When::Always, PERSONALITY, &[first_is(Comparison::Equal, 0xffff_ffff)]),
    allow(
        When::On(&[Arch::Arm, Arch::Aarch64]),
        &Call::all([
            "arm_fadvise64_64",
            "arm_sync_file_range",
            "breakpoint",
            "cacheflush",
            "set_tls",
            "sync_file_range2",
        ]),
    ),
    allow(When::On(&[Arch::X86_64, Arch::X32]), &Call::all(["arch_prctl"])),
    allow(When::On(&[Arch::X86_64, Arch::X32, Arch::X86]), &Call::all(["modify_ldt"])),
    allow(When::Has(DAC_READ_SEARCH), &Call::all(["open_by_handle_at"])),
    allow(When::Has(SYS_ADMIN), ADMINISTRATION),
    allow_if(
        When::Lacks(SYS_ADMIN),
        &Call::all(["clone"]),
        &[first_is(Comparison::MaskedEqual { mask: NAMESPACES }, 0)],
    ),
    // Its flags are behind a pointer; a C library takes this for an old kernel and uses clone.
    Group {
        calls: &Call::all(["clone3"]),
        when: When::Lacks(SYS_ADMIN),
        verdict: Verdict::errno(ENOSYS),
        conditions: &[],
    },
    allow(When::Has(SYS_BOOT), &Call::all(["reboot"])),
    allow(When::Has(SYS_CHROOT), &Call::all(["chroot"])),
    allow(When::Has(SYS_MODULE), &Call::all(["delete_module", "finit_module", "init_module"])),
    allow(When::Has(SYS_PACCT), &Call::all(["acct"])),
    allow(
        When::Has(SYS_PTRACE),
        &Call::all([
            "kcmp",
            "pidfd_getfd",
            "process_madvise",
            "process_vm_readv",
            "process_vm_writev",
            "ptrace",
        ]),
    ),
    allow(When::Has(SYS_RAWIO), &Call::all(["ioperm", "iopl"])),
    allow(When::Has(SYS_TIME), &Call::all(["clock_settime", "clock_settime64", "settimeofday", "stime"])),
    allow(When::Has(SYS_TTY_CONFIG), &Call::all(["vhangup"])),
    allow(
        When::Has(SYS_NICE),
        &Call::all(["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"]),
    ),
    allow(When::Has(SYSLOG), &Call::all(["syslog"])),
    allow(When::Has(BPF), &Call::all(["bpf"])),
    allow(When::Has(PERFMON), &Call::all(["perf_event_open"])),
];

/// For every container.
#[rustfmt::skip]
const ORDINARY: &[Call] = &Call::all([
    "_llseek", "_newselect", "accept", "accept4", "access", "adjtimex", "alarm", "bind", "brk", "cachestat",
    "capget", "capset", "chdir", "chmod", "chown", "chown32", "clock_adjtime", "clock_adjtime64",
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "close", "close_range", "connect", "copy_file_range", "creat", "dup", "dup2",
    "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "execve", "execveat", "exit", "exit_group",
    "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate", "fanotify_mark", "fchdir",
    "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat", "fcntl", "fcntl64", "fdatasync",
    "fgetxattr", "flistxattr", "flock", "fork", "fremovexattr", "fsetxattr", "fstat", "fstat64",
    "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex", "futex_requeue",
    "futex_time64", "futex_wait", "futex_waitv", "futex_wake", "futimesat", "get_robust_list",
    "get_thread_area", "getcpu", "getcwd", "getdents", "getdents64", "getegid", "getegid32", "geteuid",
    "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32", "getitimer", "getpeername", "getpgid",
    "getpgrp", "getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresgid32", "getresuid",
    "getresuid32", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt", "gettid",
    "gettimeofday", "getuid", "getuid32", "getxattr", "getxattrat", "inotify_add_watch", "inotify_init",
    "inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
    "io_pgetevents_time64", "io_setup", "io_submit", "ioctl", "ioprio_get", "ioprio_set", "ipc", "kill",
    "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "lchown", "lchown32",
    "lgetxattr", "link", "linkat", "listen", "listmount", "listxattr", "listxattrat", "llistxattr",
    "lremovexattr", "lseek", "lsetxattr", "lstat", "lstat64", "madvise", "map_shadow_stack", "membarrier",
    "memfd_create", "memfd_secret", "mincore", "mkdir", "mkdirat", "mknod", "mknodat", "mlock", "mlock2",
    "mlockall", "mmap", "mmap2", "mprotect", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive",
    "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "mremap", "mseal",
    "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock", "munlockall", "munmap", "name_to_handle_at",
    "nanosleep", "newfstatat", "open", "openat", "openat2", "pause", "pidfd_open", "pidfd_send_signal",
    "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect", "poll", "ppoll", "ppoll_time64", "prctl",
    "pread64", "preadv", "preadv2", "prlimit64", "process_mrelease", "process_vm_readv",
    "process_vm_writev", "pselect6", "pselect6_time64", "ptrace", "pwrite64", "pwritev", "pwritev2", "read",
    "readahead", "readlink", "readlinkat", "readv", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64",
    "recvmsg", "remap_file_pages", "removexattr", "removexattrat", "rename", "renameat", "renameat2",
    "restart_syscall", "rmdir", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
    "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
    "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler", "sched_yield", "seccomp", "select", "semctl", "semget", "semop", "semtimedop",
    "semtimedop_time64", "send", "sendfile", "sendfile64", "sendmmsg", "sendmsg", "sendto",
    "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsgid32", "setfsuid",
    "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setitimer", "setpgid", "setpriority",
    "setregid", "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid",
    "setreuid32", "setrlimit", "setsid", "setsockopt", "setuid", "setuid32", "setxattr", "setxattrat",
    "shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaltstack", "signalfd", "signalfd4", "sigprocmask",
    "sigreturn", "socketcall", "socketpair", "splice", "stat", "stat64", "statfs", "statfs64", "statmount",
    "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "sysinfo", "tee", "tgkill",
    "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64",
    "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime", "timerfd_gettime64",
    "timerfd_settime", "timerfd_settime64", "times", "tkill", "truncate", "truncate64", "ugetrlimit",
    "umask", "uname", "unlink", "unlinkat", "uretprobe", "utime", "utimensat", "utimensat_time64", "utimes",
    "vfork", "vmsplice", "wait4", "waitid", "waitpid", "write", "writev",
]);

/// For containers with CAP_SYS_ADMIN.
#[rustfmt::skip]
const ADMINISTRATION: &[Call] = &Call::all([
    "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie",
    "lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr", "mount", "mount_setattr", "move_mount",
    "open_tree", "perf_event_open", "quotactl", "quotactl_fd", "setdomainname", "sethostname", "setns",
    "syslog", "umount", "umount2", "unshare",
]);

fn groups(native: Arch, capabilities: CapabilitySet) -> impl Iterator<Item = &'static Group> {
    GROUPS.iter().filter(move |group| match group.when {
        When::Always => true,
        When::Has(capability) => capabilities.has(capability),
        When::Lacks(capability) => !capabilities.has(capability),
        When::On(arches) => arches.contains(&native),
    })
}

/// The profile with its texts left out; nothing is copied but references.
pub(super) fn filter(native: Arch, capabilities: CapabilitySet) -> Filter {
    let rules = groups(native, capabilities).map(|group| Rule {
        calls: Cow::Borrowed(group.calls),
        verdict: group.verdict,
        conditions: Cow::Borrowed(group.conditions),
    });
    Filter {
        default: Verdict::errno(1),
        architectures: std::iter::once(native).chain(native.companions().iter().copied()).collect(),
        rules: rules.collect(),
        flags: Flags::SPEC_ALLOW,
        notifies: false,
        unknown: Vec::new(),
    }
}

/// Docker's default profile in the runtime specification's form, for documents that people see.
#[must_use]
pub fn default_profile(native: Arch, capabilities: CapabilitySet) -> Seccomp {
    let rule = |group: &Group| {
        let is_allowed = group.verdict == Verdict::ALLOW;
        SyscallRule {
            names: group.calls.iter().map(|call| call.name().to_owned()).collect(),
            action: if is_allowed { "SCMP_ACT_ALLOW" } else { "SCMP_ACT_ERRNO" }.to_owned(),
            errno_ret: (!is_allowed).then_some(ENOSYS),
            args: group.conditions.iter().map(argument).collect(),
        }
    };
    let companions = native.companions().iter();
    Seccomp {
        default_action: "SCMP_ACT_ERRNO".to_owned(),
        default_errno_ret: Some(1),
        architectures: std::iter::once(&native)
            .chain(companions)
            .map(|arch| arch.name().to_owned())
            .collect(),
        syscalls: groups(native, capabilities).map(rule).collect(),
        ..Seccomp::default()
    }
}

/// A condition in the specification's form.
fn argument(condition: &Condition) -> SyscallArg {
    let (op, value, value_two) = match condition.comparison {
        Comparison::NotEqual => ("SCMP_CMP_NE", condition.value, 0),
        Comparison::Less => ("SCMP_CMP_LT", condition.value, 0),
        Comparison::LessOrEqual => ("SCMP_CMP_LE", condition.value, 0),
        Comparison::Equal => ("SCMP_CMP_EQ", condition.value, 0),
        Comparison::GreaterOrEqual => ("SCMP_CMP_GE", condition.value, 0),
        Comparison::Greater => ("SCMP_CMP_GT", condition.value, 0),
        Comparison::MaskedEqual { mask } => ("SCMP_CMP_MASKED_EQ", mask, condition.value),
    };
    SyscallArg { index: u32::from(condition.index), value, value_two, op: op.to_owned() }
}
