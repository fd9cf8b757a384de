//! Killing a chosen process at a chosen system call, with strace(1).
//!
//! Used by the kill sweep. An operation has up to three processes of ours ([`Role`]); each is recorded once, which gives
//! the [`Point`]s, and the operation is then repeated with a kill at one point at a time:
//! - the command is started under strace, which lets go of its children when they execute something;
//! - a monitor that the command starts is met through an [`Installation`] whose `sampan-runtime` is a script, one that
//!   runs already is attached to; strace stays beside it (`-D`), so that it is the command's own child still;
//! - the runtime's child shares strace with its monitor and counts its calls for itself, so a kill would meet both:
//!   instead both are stopped at their call, the child is killed and the monitor goes on.
//!
//! A kill is sent when the call is entered, and the kernel then does not carry it out; a stopped child has carried its
//! call out.

mod installation;
mod trace;

pub use installation::Installation;
pub use trace::{Point, points, stopped, unjudged};

use crate::Invocation;
use crate::invocation::Running;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// strace(1), by absolute path: monitors have no environment.
pub const STRACE: &str = "/usr/bin/strace";

/// System calls that change something outside of the process, or that another process sees. Some do so only with some
/// arguments ([`points`]). What a process makes no use of costs nothing; what it uses and is neither here nor in
/// [`HARMLESS`] fails the sweep.
pub const MUTATING: &str = "?mkdir,mkdirat,?open,openat,openat2,?creat,?rename,renameat,renameat2,?unlink,unlinkat,?rmdir,\
write,writev,pwrite64,pwritev,pwritev2,truncate,ftruncate,fallocate,?link,linkat,?symlink,symlinkat,?mknod,mknodat,\
fsync,fdatasync,sync_file_range,syncfs,sync,msync,fchmod,?chmod,fchmodat,?fchmodat2,fchown,?chown,?lchown,fchownat,\
utimensat,?utimes,?utime,?futimesat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,mount,umount2,\
move_mount,open_tree,fsmount,fsconfig,fspick,mount_setattr,pivot_root,chroot,sethostname,setdomainname,unshare,setns,\
?fork,?vfork,clone,clone3,sendmsg,sendto,sendmmsg,bind,listen,ioctl,fcntl,flock,kill,tkill,tgkill,rt_sigqueueinfo,\
pidfd_send_signal,copy_file_range,sendfile,splice,tee,vmsplice,bpf,keyctl,io_uring_setup,io_uring_enter";

/// System calls that read, wait, or concern only the process itself: a kill there is one at the next point. Closing is
/// here, too: the kernel closes what a killed process had open.
pub const HARMLESS: &str = "execve,execveat,exit,exit_group,wait4,waitid,read,readv,pread64,preadv,preadv2,lseek,close,\
close_range,dup,dup2,dup3,pipe,pipe2,eventfd2,epoll_create1,epoll_ctl,epoll_wait,epoll_pwait,epoll_pwait2,poll,ppoll,\
select,pselect6,signalfd4,timerfd_create,timerfd_settime,stat,fstat,lstat,newfstatat,statx,statfs,fstatfs,access,\
faccessat,faccessat2,getdents64,readlink,readlinkat,getcwd,chdir,fchdir,umask,getxattr,lgetxattr,fgetxattr,listxattr,\
llistxattr,flistxattr,fadvise64,mmap,munmap,mprotect,mremap,madvise,brk,memfd_create,membarrier,futex,futex_wait,\
futex_wake,set_robust_list,set_tid_address,rseq,arch_prctl,prctl,personality,rt_sigaction,rt_sigprocmask,rt_sigreturn,\
rt_sigtimedwait,rt_sigsuspend,sigaltstack,restart_syscall,clock_gettime,clock_getres,clock_nanosleep,nanosleep,\
gettimeofday,time,getrandom,uname,sysinfo,getrlimit,prlimit64,setrlimit,getpriority,setpriority,ioprio_set,sched_yield,\
sched_getaffinity,sched_setaffinity,sched_setattr,sched_getparam,sched_getscheduler,getpid,getppid,gettid,getuid,geteuid,\
getgid,getegid,getresuid,getresgid,getgroups,setuid,setgid,setresuid,setresgid,setgroups,setsid,getsid,setpgid,getpgid,\
getpgrp,capget,capset,pidfd_open,pidfd_getfd,socket,socketpair,connect,accept,accept4,shutdown,getsockname,getpeername,\
getsockopt,setsockopt,recvfrom,recvmsg,recvmmsg,fsopen,seccomp,landlock_create_ruleset,set_mempolicy,statmount,listmount,\
alarm,setitimer,pause,getcpu,mlock,munlock,name_to_handle_at";

/// How long strace may take to begin.
const STRACE_LIMIT: Duration = Duration::from_secs(10);

/// Attaches to a process, to kill it when it next enters one of the calls (strace's names, separated by commas); returns
/// once that is in force.
///
/// # Panics
/// When strace does not come up.
#[must_use]
pub fn kill_at(pid: u32, calls: &str) -> Running {
    let inject = format!("inject={calls}:signal=KILL:when=1");
    let pid_text = pid.to_string();
    let words = ["-q", "-I", "2", "-e", &inject, "-o", "/dev/null", "-p", &pid_text];
    let strace = Invocation::new(STRACE, words).start();
    let started = Instant::now();
    while !is_traced(pid) {
        assert!(started.elapsed() < STRACE_LIMIT, "strace has not attached within {STRACE_LIMIT:?}");
        thread::sleep(Duration::from_millis(2));
    }
    strace
}

/// Whether somebody traces the process.
#[must_use]
pub fn is_traced(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() != "0"))
}

/// Which process of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The command itself.
    Program,
    /// The container's monitor.
    Monitor,
    /// A process on its way into the container, before it executes the user's program.
    Child,
}

impl Role {
    /// For reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Program => "sampan",
            Self::Monitor => "monitor",
            Self::Child => "runtime child",
        }
    }
}

/// strace's own arguments: all but its log, and whom it traces.
#[must_use]
pub fn arguments(role: Role, point: Option<&Point>) -> Vec<String> {
    // Interruptible (-I 2), so that it lets go when it is told to.
    let mut words: Vec<String> = vec!["-q".into(), "-I".into(), "2".into()];
    words.extend(match role {
        Role::Program => vec!["-f".into(), "-b".into(), "execve".into()],
        // Its children are no business of strace's.
        Role::Monitor => Vec::new(),
        // It executes itself anew to begin with (from a sealed copy), so an execution does not end the interest.
        Role::Child => vec!["-f".into()],
    });
    match point {
        // All calls: those that nobody has judged yet are to be seen.
        None => words.extend(["-s".into(), "60".into(), "-e".into(), "trace=all".into()]),
        Some(Point { call, number }) => {
            let signal = if role == Role::Child { "STOP" } else { "KILL" };
            // Only what happens at the point is of interest.
            words.extend(["-e".into(), format!("trace={call}")]);
            words.extend(["-e".into(), format!("inject={call}:signal={signal}:when={number}")]);
        }
    }
    words
}
