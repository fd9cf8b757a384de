//! Creating, identifying, signalling, reaping and executing (clone3(2), pidfd_open(2), waitid(2), close_range(2)).
//!
//! Callers are the runtime (the child of a launch) and the monitor (its parent). A process is named by a pidfd from
//! its first moment on; a number is for showing to people.
//!
//! Limits: [`clone_child`] only works in a process with one thread, and checks that. Kernel 5.9 (close_range).

use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `CLONE_PIDFD` of clone3(2).
pub(crate) const CLONE_PIDFD: u64 = 0x1000;
/// `CLONE_CLEAR_SIGHAND` of clone3(2): handlers become the default, ignored signals stay ignored.
pub(crate) const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// `CLONE_INTO_CGROUP` of clone3(2).
pub(crate) const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

pub(crate) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

pub(crate) fn check(answer: libc::c_long) -> rustix::io::Result<libc::c_long> {
    if answer < 0 { Err(last_errno()) } else { Ok(answer) }
}

/// `struct clone_args` of clone3(2), as of version 2 (88 bytes, Linux 5.7).
#[repr(C)]
#[derive(Default)]
pub(crate) struct CloneArgs {
    pub(crate) flags: u64,
    pub(crate) pidfd: u64,
    pub(crate) child_tid: u64,
    pub(crate) parent_tid: u64,
    pub(crate) exit_signal: u64,
    pub(crate) stack: u64,
    pub(crate) stack_size: u64,
    pub(crate) tls: u64,
    pub(crate) set_tid: u64,
    pub(crate) set_tid_size: u64,
    pub(crate) cgroup: u64,
}

/// How a child is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloneOptions<'a> {
    /// Namespaces that the child gets anew.
    pub namespaces: crate::namespace::Kinds,
    /// A directory of cgroup v2 in which the child is born (`CLONE_INTO_CGROUP`, Linux 5.7).
    pub cgroup: Option<BorrowedFd<'a>>,
    /// The child's parent is the caller's parent (`CLONE_PARENT`).
    pub sibling: bool,
    /// Descriptors that the child keeps besides the standard streams; all others are closed there before anything
    /// else, so that it holds no lock, socket or pipe end of its parent's. Whatever the child uses must be here.
    pub keep: &'a [BorrowedFd<'a>],
    /// How many descriptors from 3 on the child keeps as well.
    pub keep_first: u32,
}

/// A child that runs.
#[derive(Debug)]
pub struct Child {
    /// Its number in the caller's pid namespace.
    pub pid: i32,
    /// Itself; closed on exec.
    pub pidfd: OwnedFd,
}

/// Ends the process when dropped, so that an unwinding child never returns into its parent's frames.
struct NeverReturn;

impl Drop for NeverReturn {
    fn drop(&mut self) {
        exit_now(125)
    }
}

/// Ends the process at once, without running destructors or flushing buffers (`_exit(2)`).
pub fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` takes any integer and does not return.
    unsafe { libc::_exit(code) }
}

/// Whether the process has one thread. One system call, no effect: unshare(2) of what only a process with several
/// threads shares is refused exactly then. Inside a container a filter may refuse the call itself; then `/proc` tells.
#[must_use]
pub fn is_single_threaded() -> bool {
    // SAFETY: with CLONE_THREAD alone unshare(2) changes nothing; it answers EINVAL when there are other threads.
    if unsafe { libc::unshare(libc::CLONE_THREAD) } == 0 {
        return true;
    }
    if std::io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) {
        return false;
    }
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Makes a child that runs `child` on a copy of the caller's memory and exits with the code it returns.
///
/// The child's signal handlers are the default ones (the caller's where clone3(2) is refused, as in most containers,
/// and clone(2) takes its place), its mask and ignored signals are the caller's. Its end is told
/// to the parent by `SIGCHLD` and by the pidfd.
///
/// # Errors
/// `BUSY` when the caller has more than one thread (the child would inherit locks that nobody releases), else
/// whatever clone3(2) reports.
pub fn clone_child(options: &CloneOptions<'_>, child: impl FnOnce() -> i32) -> rustix::io::Result<Child> {
    if !is_single_threaded() {
        return Err(Errno::BUSY);
    }
    let mut pidfd: RawFd = -1;
    let mut args = CloneArgs {
        flags: CLONE_PIDFD | CLONE_CLEAR_SIGHAND | u64::from(options.namespaces.bits()),
        pidfd: std::ptr::from_mut(&mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    if let Some(cgroup) = options.cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    if options.sibling {
        args.flags |= libc::CLONE_PARENT as u64;
        args.exit_signal = 0;
    }
    // SAFETY: `args` is a valid clone_args that outlives the call, `pidfd` a valid place for one descriptor. Without
    // CLONE_VM the child works on its own copy of the memory; with one thread in the parent (checked above, and no
    // other thread can appear between the two calls because nothing else runs) no lock is held by anybody but the
    // caller, so ordinary Rust is sound in the child. It never returns into the caller's frames: `exit_now`
    // follows `child`, and `NeverReturn` ends the process if it unwinds.
    let answer = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) };
    let pid = match check(answer) {
        // Filters of containers refuse clone3, whose flags they cannot see.
        Err(Errno::NOSYS) if options.cgroup.is_none() => {
            let flags = (args.flags & !CLONE_CLEAR_SIGHAND) | args.exit_signal;
            // SAFETY: as above: without CLONE_VM and without a stack the child goes on upon its own copy of this one.
            // The third argument is where CLONE_PIDFD puts the descriptor, on x86-64 as on aarch64 (clone(2)).
            check(unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) })?
        }
        answer => answer?,
    };
    if pid == 0 {
        let _guard = NeverReturn;
        close_others(options);
        exit_now(child());
    }
    // SAFETY: clone3 succeeded in the parent with CLONE_PIDFD, so `pidfd` is a new descriptor that nobody else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Child { pid: pid as i32, pidfd })
}

/// Closes, in a child of [`clone_child`], what it is not to keep.
fn close_others(options: &CloneOptions<'_>) {
    let mut kept: Vec<u32> = options.keep.iter().map(|fd| fd.as_raw_fd().cast_unsigned()).collect();
    kept.sort_unstable();
    let mut next = 3 + options.keep_first;
    for fd in kept.into_iter().chain([u32::MAX]) {
        if fd > next {
            // SAFETY: the owners of these descriptors are in the frames of the caller of clone_child. The child has
            // a copy of those frames, but never returns into them nor drops what is there, and `child` has been told
            // that it finds only `keep`. Failing (a kernel before 5.9) leaves them open, as without this.
            unsafe { libc::syscall(libc::SYS_close_range, next, fd - 1, 0) };
        }
        next = next.max(fd.saturating_add(1));
    }
}

/// Marks every descriptor from `first` on as closed on exec (`CLOSE_RANGE_CLOEXEC`, Linux 5.11), or closes none of
/// them and fails.
///
/// # Errors
/// Whatever close_range(2) reports.
pub fn close_on_exec_from(first: u32) -> rustix::io::Result<()> {
    close_range(first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

/// Keeps a descriptor open over execve(2), whichever one it is (`FD_CLOEXEC` cleared).
///
/// # Errors
/// `BADF` when it is not open.
pub fn keep_on_exec(fd: u32) -> rustix::io::Result<()> {
    let fd = i32::try_from(fd).map_err(|_| Errno::BADF)?;
    // SAFETY: changes a flag of the descriptor and closes nothing, so no owner's descriptor becomes invalid.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) }.into()).map(drop)
}

fn close_range(first: u32, last: u32, flags: libc::c_uint) -> rustix::io::Result<()> {
    // SAFETY: the callers pass only CLOSE_RANGE_CLOEXEC, which closes nothing now: no owned descriptor of this
    // process becomes invalid.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
}

/// Opens a process by number. Only safe against reuse of the number while the caller is its parent and has not
/// reaped it, or checks the start time afterwards.
///
/// # Errors
/// Whatever pidfd_open(2) reports; `SRCH` when there is no such process.
pub fn pidfd_open(pid: i32) -> rustix::io::Result<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(pid).ok_or(Errno::SRCH)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
}

/// Sends signal `number` (0 only checks, real-time signals included).
///
/// # Errors
/// Whatever pidfd_send_signal(2) reports; `SRCH` when the process has been reaped.
pub fn send_signal(pidfd: BorrowedFd<'_>, number: i32) -> rustix::io::Result<()> {
    // SAFETY: the descriptor is borrowed and so open; a null siginfo makes the kernel fill in kill(2)'s own.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            number,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    check(answer).map(drop)
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It called exit with this code.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// The signal's number.
        number: i32,
        /// Whether a core was dumped.
        core: bool,
    },
}

impl Exit {
    /// The code that shells and Docker show: the exit code, or 128 plus the signal's number.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal { number, .. } => 128 + number,
        }
    }
}

/// Reaps a child: waits for its end.
///
/// # Errors
/// Whatever waitid(2) reports; `CHILD` when it is no child of the caller or was reaped already.
pub fn reap(pidfd: BorrowedFd<'_>) -> rustix::io::Result<Exit> {
    loop {
        match wait_pidfd(pidfd, 0) {
            Err(Errno::INTR) | Ok(None) => {}
            Ok(Some(exit)) => return Ok(exit),
            Err(other) => return Err(other),
        }
    }
}

/// Reaps a child if it has ended; `None` while it runs.
///
/// # Errors
/// As [`reap`].
pub fn try_reap(pidfd: BorrowedFd<'_>) -> rustix::io::Result<Option<Exit>> {
    wait_pidfd(pidfd, libc::WNOHANG)
}

fn wait_pidfd(pidfd: BorrowedFd<'_>, flags: i32) -> rustix::io::Result<Option<Exit>> {
    let id = pidfd.as_raw_fd() as libc::id_t;
    wait_for(libc::P_PIDFD, id, flags).map(|found| found.map(|(_, exit)| exit))
}

/// Whether a signal has stopped a child (SIGSTOP of signal(7), which nobody can block). Nothing of it is consumed.
///
/// # Errors
/// As [`reap`].
pub fn is_stopped(pidfd: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    // SAFETY: `siginfo_t` is plain data for which all zeroes is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT;
    let id = pidfd.as_raw_fd() as libc::id_t;
    // SAFETY: `info` is a valid place for the answer and outlives the call.
    let answer = unsafe { libc::waitid(libc::P_PIDFD, id, &raw mut info, flags) };
    check(answer.into())?;
    // SAFETY: waitid(2) fills the SIGCHLD variant, or leaves the zeroes, which are valid integers.
    Ok(unsafe { info.si_pid() } != 0)
}

/// Reaps any one child that has ended, adopted ones included (prctl(2), `PR_SET_CHILD_SUBREAPER`): its number and
/// how it ended. `None` when every child runs.
///
/// # Errors
/// As [`reap`]; `CHILD` when there are no children.
pub fn try_reap_any() -> rustix::io::Result<Option<(i32, Exit)>> {
    wait_for(libc::P_ALL, 0, libc::WNOHANG)
}

fn wait_for(kind: libc::idtype_t, id: libc::id_t, flags: i32) -> rustix::io::Result<Option<(i32, Exit)>> {
    // SAFETY: `siginfo_t` is plain data for which all zeroes is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is a valid place for the answer and outlives the call.
    let answer = unsafe { libc::waitid(kind, id, &raw mut info, libc::WEXITED | flags) };
    check(answer.into())?;
    // SAFETY: waitid(2) fills the SIGCHLD variant, or leaves the zeroes, which are valid integers.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok(match (pid, info.si_code) {
        (0, _) => None,
        (pid, libc::CLD_EXITED) => Some((pid, Exit::Code(status))),
        (pid, code) => Some((pid, Exit::Signal { number: status, core: code == libc::CLD_DUMPED })),
    })
}

/// `struct pidfd_info` of linux/pidfd.h, first version (64 bytes, Linux 6.13).
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup_id: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// How a process ended that is no child of the caller (`PIDFD_GET_INFO` with `PIDFD_INFO_EXIT`, Linux 6.15).
///
/// `None` on older kernels, and until its parent has reaped it.
#[must_use]
pub fn exit_of_stranger(pidfd: BorrowedFd<'_>) -> Option<Exit> {
    const PIDFD_INFO_EXIT: u64 = 1 << 3;
    const PIDFD_GET_INFO: libc::c_ulong = 0xc040_ff0b;
    let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, ..PidfdInfo::default() };
    // SAFETY: the descriptor is borrowed and so open; the request's size field says 64 bytes, the size of `info`.
    let answer = unsafe { libc::ioctl(pidfd.as_raw_fd(), PIDFD_GET_INFO as _, &raw mut info) };
    if answer != 0 || info.mask & PIDFD_INFO_EXIT == 0 {
        return None;
    }
    let status = info.exit_code;
    Some(if libc::WIFEXITED(status) {
        Exit::Code(libc::WEXITSTATUS(status))
    } else {
        Exit::Signal { number: libc::WTERMSIG(status), core: libc::WCOREDUMP(status) }
    })
}

/// Makes the caller the parent of its descendants' orphans (`PR_SET_CHILD_SUBREAPER`).
///
/// # Errors
/// Whatever prctl(2) reports.
pub fn become_subreaper() -> rustix::io::Result<()> {
    // SAFETY: this option takes integers only.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }.into()).map(drop)
}

/// A program with its arguments and environment, in the form that execve(2) takes. Made before it is needed, so that
/// executing allocates nothing.
#[derive(Debug)]
pub struct Program {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Program {
    /// Nothing is checked here; an empty argument list gets an empty first argument from newer kernels.
    #[must_use]
    pub fn new(path: CString, arguments: Vec<CString>, environment: Vec<CString>) -> Self {
        Program { path, arguments, environment }
    }

    /// Replaces the calling process by the program; returns only to say why not.
    #[must_use]
    pub fn execute(&self) -> Errno {
        let (arguments, environment) = (pointers(&self.arguments), pointers(&self.environment));
        // SAFETY: the path and every string are NUL-terminated and live in `self`, both arrays end with a null
        // pointer and outlive the call.
        unsafe { libc::execve(self.path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
        last_errno()
    }

    /// Replaces the calling process by the open file `program` (execveat(2), `AT_EMPTY_PATH`), under which name it
    /// was opened being irrelevant; returns only to say why not. A script needs a descriptor that stays open.
    #[must_use]
    pub fn execute_file(&self, program: BorrowedFd<'_>) -> Errno {
        let (arguments, environment) = (pointers(&self.arguments), pointers(&self.environment));
        // SAFETY: as in `execute`; the descriptor is borrowed and so open, the empty path is a static C string.
        unsafe {
            libc::syscall(
                libc::SYS_execveat,
                program.as_raw_fd(),
                c"".as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
                libc::AT_EMPTY_PATH,
            )
        };
        last_errno()
    }
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_cannot_clone_a_rust_child() {
        // The test harness runs each test in a thread of its own.
        assert!(!is_single_threaded());
        let refused = clone_child(&CloneOptions::default(), || 0);
        assert_eq!(refused.unwrap_err(), Errno::BUSY);
    }

    #[test]
    fn exits_have_the_codes_that_shells_show() {
        assert_eq!(Exit::Code(3).code(), 3);
        assert_eq!(Exit::Signal { number: 9, core: false }.code(), 137);
    }

    #[test]
    fn a_child_is_signalled_and_reaped_by_its_descriptor() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pidfd = pidfd_open(child.id() as i32).unwrap();
        use std::os::fd::AsFd;
        assert_eq!(try_reap(pidfd.as_fd()).unwrap(), None);
        assert!(!is_stopped(pidfd.as_fd()).unwrap());
        send_signal(pidfd.as_fd(), libc::SIGSTOP).unwrap();
        while !is_stopped(pidfd.as_fd()).unwrap() {
            std::thread::yield_now();
        }
        send_signal(pidfd.as_fd(), 9).unwrap();
        assert_eq!(reap(pidfd.as_fd()).unwrap(), Exit::Signal { number: 9, core: false });
        assert_eq!(try_reap(pidfd.as_fd()).unwrap_err(), Errno::CHILD);
        child.wait().unwrap_err();
    }
}
