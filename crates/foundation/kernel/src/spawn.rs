//! Starting a program in a control group: what posix_spawn(3) does, with `CLONE_INTO_CGROUP` of clone3(2).
//!
//! The engine starts monitors with it. Unlike [`crate::process::clone_child`] it may be called by a process with
//! threads: between clone and exec the child makes system calls alone, on memory that was prepared before.

use crate::process::{
    CLONE_CLEAR_SIGHAND, CLONE_INTO_CGROUP, CLONE_PIDFD, Child, CloneArgs, check, last_errno,
};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Starts `program` with these arguments (the first is its name), no environment, `stdin` as standard input and nothing
/// behind the other streams, as a member of the cgroup2 directory `cgroup`. No other descriptor is closed: all of ours
/// are closed on exec. The mask of signals is empty and none is ignored.
///
/// # Errors
/// Whatever clone3(2) reports (`NODEV` for a group that was removed), or execve(2).
pub fn spawn_in_group(
    program: &CString,
    arguments: &[CString],
    stdin: BorrowedFd<'_>,
    cgroup: BorrowedFd<'_>,
) -> rustix::io::Result<Child> {
    let stdin = rustix::io::fcntl_dupfd_cloexec(stdin, 3)?;
    let null = rustix::fs::open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    let (failure, report) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let words: Vec<_> = arguments.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect();
    let environment = [std::ptr::null()];
    let plan = Plan {
        path: program.as_ptr(),
        arguments: words.as_ptr(),
        environment: environment.as_ptr(),
        streams: [stdin.as_raw_fd(), null.as_raw_fd(), null.as_raw_fd()],
        report: report.as_raw_fd(),
    };
    let child = clone_into(cgroup, &plan)?;
    drop(report);
    let mut errno = [0; 4];
    match rustix::io::read(&failure, &mut errno)? {
        // The other end was closed by exec.
        0 => Ok(child),
        _ => {
            let _ = crate::process::reap(std::os::fd::AsFd::as_fd(&child.pidfd));
            Err(Errno::from_raw_os_error(i32::from_ne_bytes(errno)))
        }
    }
}

/// What the child needs, in the form of the system calls.
struct Plan {
    path: *const libc::c_char,
    arguments: *const *const libc::c_char,
    environment: *const *const libc::c_char,
    streams: [RawFd; 3],
    /// Where it writes why it cannot execute.
    report: RawFd,
}

fn clone_into(cgroup: BorrowedFd<'_>, plan: &Plan) -> rustix::io::Result<Child> {
    let mut pidfd: RawFd = -1;
    let mut args = CloneArgs {
        // The caller sleeps until the child executes, which spares both the copying of what the caller writes.
        flags: CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP | libc::CLONE_VFORK as u64,
        pidfd: std::ptr::from_mut(&mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        cgroup: cgroup.as_raw_fd() as u64,
        ..CloneArgs::default()
    };
    // SAFETY: `args` is a valid clone_args that outlives the call, `pidfd` a valid place for one descriptor. Without
    // CLONE_VM the child goes on upon a copy of this stack, and it leaves this function by exec or exit alone.
    let answer = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) };
    let pid = check(answer)?;
    if pid == 0 {
        execute(plan);
    }
    // SAFETY: clone3 succeeded in the parent with CLONE_PIDFD, so `pidfd` is a new descriptor that nobody else owns.
    Ok(Child { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}

/// The child: other threads of the caller may have held any lock when it was made, so it takes none (it neither
/// allocates nor prints) and only makes calls of signal-safety(7).
fn execute(plan: &Plan) -> ! {
    // SAFETY: the descriptors are open, they are above 2, and the strings and arrays that `plan` points to are
    // NUL-terminated and live in the copied frames of `spawn_in_group`, into which nobody returns. `sigset_t` is plain
    // data for which sigemptyset gives a value.
    unsafe {
        for (number, stream) in (0..).zip(plan.streams) {
            if libc::dup2(stream, number) < 0 {
                fail(plan.report);
            }
        }
        // Rust's own start ignores it, and an ignored signal stays so over exec.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::execve(plan.path, plan.arguments, plan.environment);
    }
    fail(plan.report)
}

fn fail(report: RawFd) -> ! {
    let errno = last_errno().raw_os_error().to_ne_bytes();
    // SAFETY: the descriptor is open in the child and the buffer has the given length; nothing is to be done about a
    // parent that is gone.
    unsafe { libc::write(report, errno.as_ptr().cast(), errno.len()) };
    crate::process::exit_now(127)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Exit, reap};
    use std::io::Read;
    use std::os::fd::AsFd;

    /// Our own group of cgroup2, which exists on every machine that has it.
    fn own_group() -> Option<OwnedFd> {
        let text = std::fs::read_to_string("/proc/self/cgroup").unwrap();
        let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(std::path::PathBuf::from);
        let mount = mounts.into_iter().find(|mount| mount.join("cgroup.procs").exists())?;
        rustix::fs::open(mount.join(path), flags, Mode::empty()).ok()
    }

    fn spawn(program: &str, words: &[&str], stdin: BorrowedFd<'_>) -> Option<rustix::io::Result<Child>> {
        let c = |text: &str| CString::new(text).unwrap();
        let group = own_group()?;
        let words: Vec<CString> = words.iter().map(|word| c(word)).collect();
        Some(spawn_in_group(&c(program), &words, stdin, group.as_fd()))
    }

    #[test]
    fn a_program_gets_its_arguments_and_its_input_from_a_threaded_caller() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let script = "test $# = 1 && test \"$1\" = one && test -z \"$HOME\" && echo here >&0";
        let Some(child) = spawn("/bin/sh", &["sh", "-c", script, "sh", "one"], writer.as_fd()) else {
            return;
        };
        drop(writer);
        assert_eq!(reap(child.unwrap().pidfd.as_fd()).unwrap(), Exit::Code(0));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "here\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_told() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let Some(child) = spawn("/nonexistent", &["x"], null.as_fd()) else { return };
        assert_eq!(child.unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn what_is_no_group_is_refused() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let program = CString::new("/bin/true").unwrap();
        let refused = spawn_in_group(&program, &[], null.as_fd(), null.as_fd());
        assert_eq!(refused.unwrap_err(), Errno::BADF);
    }
}
