//! Staying with a process until it ends: signals are passed on, and a terminal of its own is joined with ours.

use crate::error::CliError;
use kernel::process;
use kernel::signal::{self, Set};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

const SIGTSTP: i32 = 20;
const SIGCHLD: i32 = 17;
const SIGURG: i32 = 23;
const SIGWINCH: i32 = 28;

/// Every signal that arrives from now on, to be passed on; none of them does anything else.
#[derive(Debug)]
pub(crate) struct Signals {
    arrivals: OwnedFd,
}

impl Signals {
    /// Blocks all signals and collects them. Before the process is made, so that none is lost between the two.
    pub(crate) fn collect() -> Result<Self, CliError> {
        let blocked = signal::set_mask(Set::ALL).and_then(|_| signal::open(Set::ALL));
        Ok(Signals { arrivals: blocked.map_err(CliError::process("collect signals"))? })
    }
}

/// Our terminal in raw mode, until dropped.
struct Raw {
    before: Termios,
}

impl Raw {
    /// `None` when standard input is no terminal.
    fn enter() -> Option<Self> {
        let before = rustix::termios::tcgetattr(rustix::stdio::stdin()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &raw).ok()?;
        Some(Raw { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Waits for the process's end and returns its exit code, 128 plus the signal's number for one that was killed.
///
/// # Errors
/// [`CliError::Process`].
pub(crate) fn wait(
    pidfd: BorrowedFd<'_>,
    terminal: Option<OwnedFd>,
    signals: &Signals,
) -> Result<i32, CliError> {
    let raw = terminal.as_ref().and_then(|_| Raw::enter());
    let joined = Joined { pidfd, terminal, signals: signals.arrivals.as_fd() };
    let ended = joined.until_end().and_then(|()| process::reap(pidfd));
    drop(raw);
    ended.map(process::Exit::code).map_err(CliError::process("wait for the process"))
}

struct Joined<'a> {
    pidfd: BorrowedFd<'a>,
    terminal: Option<OwnedFd>,
    signals: BorrowedFd<'a>,
}

impl Joined<'_> {
    fn until_end(&self) -> rustix::io::Result<()> {
        self.copy_size();
        let (stdin, mut input_open, mut output_open) = (rustix::stdio::stdin(), true, true);
        loop {
            let mut fds =
                vec![PollFd::new(&self.pidfd, PollFlags::IN), PollFd::new(&self.signals, PollFlags::IN)];
            if let Some(terminal) = self.terminal.as_ref().filter(|_| output_open) {
                fds.push(PollFd::new(terminal, PollFlags::IN));
                if input_open {
                    fds.push(PollFd::new(&stdin, PollFlags::IN));
                }
            }
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(other) => return Err(other),
            }
            let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            if ready[1] {
                self.pass_signals_on()?;
            }
            if ready.get(2) == Some(&true) {
                output_open = self.copy_output();
            }
            if ready.get(3) == Some(&true) {
                input_open = self.copy_input();
            }
            if ready[0] {
                // What was written before the end is still to be shown.
                while output_open && self.output_waits() {
                    output_open = self.copy_output();
                }
                return Ok(());
            }
        }
    }

    fn pass_signals_on(&self) -> rustix::io::Result<()> {
        while let Some(arrived) = signal::read(self.signals)? {
            match arrived.number {
                SIGCHLD | SIGURG => {}
                SIGWINCH => self.copy_size(),
                SIGTSTP if self.terminal.is_some() => {}
                number => match process::send_signal(self.pidfd, number) {
                    Ok(()) | Err(Errno::SRCH) => {}
                    Err(other) => return Err(other),
                },
            }
        }
        Ok(())
    }

    /// Our terminal's size becomes the container's.
    fn copy_size(&self) {
        if let (Some(terminal), Ok(size)) =
            (&self.terminal, rustix::termios::tcgetwinsize(rustix::stdio::stdin()))
        {
            let _ = kernel::pty::set_size(terminal.as_fd(), size.ws_row, size.ws_col);
        }
    }

    fn output_waits(&self) -> bool {
        let Some(terminal) = &self.terminal else { return false };
        let mut fds = [PollFd::new(terminal, PollFlags::IN)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&now)).is_ok_and(|ready| ready == 1)
    }

    /// Whether more can come. A terminal whose last user is gone reports an error.
    fn copy_output(&self) -> bool {
        let Some(terminal) = &self.terminal else { return false };
        copy(terminal.as_fd(), rustix::stdio::stdout())
    }

    fn copy_input(&self) -> bool {
        let Some(terminal) = &self.terminal else { return false };
        copy(rustix::stdio::stdin(), terminal.as_fd())
    }
}

/// Copies what is there; `false` at the end of either side.
fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> bool {
    let mut buffer = [0; 16 * 1024];
    let length = match rustix::io::read(from, &mut buffer) {
        Ok(0) => return false,
        Ok(length) => length,
        Err(errno) => return matches!(errno, Errno::INTR | Errno::AGAIN),
    };
    let mut rest = &buffer[..length];
    while !rest.is_empty() {
        match rustix::io::write(to, rest) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::new(&to, PollFlags::OUT)], None);
            }
            Err(_) => return false,
        }
    }
    true
}
