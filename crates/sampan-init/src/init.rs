//! Pid 1 for `--init`: starts the command, hands every signal on to it, reaps what it orphans, and ends as it ends.
//!
//! The contract is docker-init's (tini without options): the command runs in a process group of its own, which is
//! made the foreground group where standard input is a terminal; signals go to the command alone, not to its group;
//! the exit code is the command's, 128 plus the number for a signal, 126 or 127 when the command cannot be run. What
//! still runs when the command ends is left to the kernel, which ends it with pid 1.

use kernel::process::{self, Child, CloneOptions, Exit};
use kernel::signal::{self, Set};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, setpgid};
use rustix::termios::{isatty, tcsetpgrp};
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// The exit code when this program itself fails or is called the wrong way.
const FAILED: u8 = 1;
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;
const CHILD_ENDED: i32 = Signal::CHILD.as_raw();

/// Runs `-- command [argument...]` to its end.
pub(crate) fn main(arguments: &[OsString]) -> ExitCode {
    let [dashes, command, arguments @ ..] = arguments else { return usage() };
    if dashes != "--" {
        return usage();
    }
    match supervise(command, arguments) {
        Ok(exit) => ExitCode::from(u8::try_from(exit.code() & 0xff).unwrap_or(u8::MAX)),
        Err(error) => {
            say(&format!("cannot supervise {}: {error}", command.to_string_lossy()));
            ExitCode::from(FAILED)
        }
    }
}

fn usage() -> ExitCode {
    say("usage: sampan-init -- command [argument...]");
    ExitCode::from(FAILED)
}

fn say(text: &str) {
    // Nothing can be done for a caller who closed standard error.
    let _ = writeln!(io::stderr(), "sampan-init: {text}");
}

fn supervise(command: &OsString, arguments: &[OsString]) -> rustix::io::Result<Exit> {
    // Blocked before the child exists, so that no signal falls between; SIGTTOU too, which lets the child take the
    // terminal from the background.
    let before = signal::set_mask(Set::ALL)?;
    let signals = signal::open(Set::ALL)?;
    if getpid().as_raw_nonzero().get() != 1 {
        // With a shared pid namespace somebody else is pid 1, and orphans would pass us by.
        process::become_subreaper()?;
    }
    let child =
        process::clone_child(&CloneOptions::default(), || become_command(before, command, arguments))?;
    serve(&signals, &child)
}

/// In the child: returns only the exit code of a command that cannot be run.
fn become_command(mask: Set, command: &OsString, arguments: &[OsString]) -> i32 {
    let stdin = io::stdin();
    // Neither step can fail in a way that a command would notice: without job control it runs as well.
    let _ = setpgid(None, None);
    if isatty(stdin.as_fd()) {
        let _ = tcsetpgrp(stdin.as_fd(), getpid());
    }
    let _ = signal::set_mask(mask);
    let error = Command::new(command).args(arguments).exec();
    say(&format!("cannot run {}: {error}", command.to_string_lossy()));
    match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    }
}

fn serve(signals: &OwnedFd, child: &Child) -> rustix::io::Result<Exit> {
    loop {
        match poll(&mut [PollFd::new(signals, PollFlags::IN)], None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        while let Some(arrived) = signal::read(signals.as_fd())? {
            if arrived.number != CHILD_ENDED {
                // A command that has ended already needs no signal.
                let _ = process::send_signal(child.pidfd.as_fd(), arrived.number);
            } else if let Some(exit) = reap_all(child)? {
                return Ok(exit);
            }
        }
    }
}

/// Reaps everything that has ended; the command's exit, if it was among them. One SIGCHLD can stand for many.
fn reap_all(child: &Child) -> rustix::io::Result<Option<Exit>> {
    let mut ended = None;
    loop {
        match process::try_reap_any() {
            Ok(Some((pid, exit))) if pid == child.pid => ended = Some(exit),
            Ok(Some(_)) => {}
            Ok(None) | Err(Errno::CHILD) => return Ok(ended),
            Err(error) => return Err(error),
        }
    }
}
