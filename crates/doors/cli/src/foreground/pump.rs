//! The loop.

use super::detach::DetachKeys;
use super::signals::{Caught, WINDOW_CHANGED};
use super::terminal::{self, RawMode};
use crate::failure::Failure;
use crate::lifecycle::{Happened, Stream};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// How a foreground is kept.
pub(crate) struct Foreground<'a> {
    /// The streams.
    pub(crate) stream: &'a mut dyn Stream,
    /// Signals, blocked before the container was started so that none is lost.
    pub(crate) signals: &'a Caught,
    /// Standard input goes to the container.
    pub(crate) stdin: bool,
    /// It has a terminal.
    pub(crate) tty: bool,
    /// Keys that detach; with a terminal only.
    pub(crate) detach: DetachKeys,
    /// Forwards a signal to the container.
    pub(crate) forward: &'a dyn Fn(i32),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The process ended with this code, and everything is released.
    Exited(i32),
    /// The user detached.
    Detached,
    /// Whoever holds the container went away without a word.
    Lost,
    /// Nobody reads our output any more.
    OutputClosed,
}

/// Bytes read from standard input at once.
const CHUNK: usize = 32 * 1024;

/// Pumps until the process ends, the user detaches, or the other side goes away.
pub(crate) fn pump(mut foreground: Foreground<'_>) -> Result<Ended, Failure> {
    // Without input there is nothing to type, and the terminal's own Ctrl-C must keep working.
    let raw = match foreground.tty && foreground.stdin {
        true => RawMode::enter()
            .map_err(|error| Failure::new(format!("cannot set the terminal to raw mode: {error}")))?,
        false => None,
    };
    let ended =
        Loop { pending: Vec::new(), input: foreground.stdin, code: None, foreground: &mut foreground }.run();
    drop(raw);
    ended.map_err(|errno| {
        Failure::new(format!("cannot talk to the container's monitor: {errno}")).with_code(125)
    })
}

struct Loop<'a, 'b> {
    foreground: &'a mut Foreground<'b>,
    /// Typed, and not yet taken by the other side.
    pending: Vec<u8>,
    /// Standard input has not ended.
    input: bool,
    /// Exit code, once it is known.
    code: Option<i32>,
}

impl Loop<'_, '_> {
    fn run(&mut self) -> rustix::io::Result<Ended> {
        let mut buffer = vec![0; CHUNK + 1];
        loop {
            let (socket, stdin, signal) = self.wait()?;
            if signal {
                self.signals()?;
            }
            if socket.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR)
                && let Some(ended) = self.receive(&mut buffer)?
            {
                return Ok(ended);
            }
            if socket.contains(PollFlags::OUT) && !self.pending.is_empty() {
                let chunk = self.pending.len().min(CHUNK);
                if self.foreground.stream.send_input(&self.pending[..chunk]).is_err() {
                    // The process closed its input or is gone; the end of the stream tells.
                    self.input = false;
                }
                self.pending.drain(..chunk);
            }
            if stdin && self.typed(&mut buffer)? {
                return Ok(Ended::Detached);
            }
        }
    }

    /// Waits; what the socket is ready for, whether there is input, whether there are signals.
    fn wait(&self) -> rustix::io::Result<(PollFlags, bool, bool)> {
        let mut wanted = PollFlags::IN;
        if !self.pending.is_empty() {
            wanted |= PollFlags::OUT;
        }
        let stdin = io::stdin();
        let signals: BorrowedFd<'_> = self.foreground.signals.as_fd();
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.foreground.stream.descriptor(), wanted),
            PollFd::from_borrowed_fd(signals, PollFlags::IN),
        ];
        // Input is read only when the last of it was taken: a container that does not read must not fill our memory.
        if self.input && self.pending.is_empty() {
            fds.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN));
        }
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(other) => return Err(other),
        }
        let ready = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
        Ok((fds[0].revents(), ready(2), ready(1)))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> rustix::io::Result<Option<Ended>> {
        let written = match self.foreground.stream.next(buffer)? {
            Happened::Stdout(bytes) => write_all(io::stdout().as_fd(), bytes),
            Happened::Stderr(bytes) => write_all(io::stderr().as_fd(), bytes),
            Happened::Exited(code) => {
                self.code = Some(code);
                self.input = false;
                self.pending.clear();
                Ok(())
            }
            Happened::Released => return Ok(Some(self.code.map_or(Ended::Lost, Ended::Exited))),
            Happened::Closed => return Ok(Some(self.code.map_or(Ended::Lost, Ended::Exited))),
        };
        match written {
            Ok(()) => Ok(None),
            Err(Errno::PIPE) => Ok(Some(Ended::OutputClosed)),
            // A terminal that was closed, a full disk: the container goes on, its log has everything.
            Err(_) => Ok(None),
        }
    }

    /// Reads standard input; true when the user detaches.
    fn typed(&mut self, buffer: &mut [u8]) -> rustix::io::Result<bool> {
        let length = match rustix::io::read(io::stdin(), &mut buffer[..CHUNK]) {
            Ok(length) => length,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
            // Closed, or a terminal that we may not read: the same as its end.
            Err(_) => 0,
        };
        if length == 0 {
            self.input = false;
            let held = self.foreground.detach.held();
            if !held.is_empty() {
                let _ = self.foreground.stream.send_input(&held);
            }
            // An error means that the process is gone; the end of the stream tells.
            let _ = self.foreground.stream.end_input();
        } else if self.foreground.tty {
            return Ok(self.foreground.detach.filter(&buffer[..length], &mut self.pending));
        } else {
            self.pending.extend_from_slice(&buffer[..length]);
        }
        Ok(false)
    }

    fn signals(&mut self) -> rustix::io::Result<()> {
        while let Some(number) = self.foreground.signals.next()? {
            if number == WINDOW_CHANGED && self.foreground.tty {
                if let Some((rows, columns)) = terminal::size() {
                    // An error means that the process is gone; the end of the stream tells.
                    let _ = self.foreground.stream.resize(rows, columns);
                }
            } else if self.code.is_none() && number != WINDOW_CHANGED {
                (self.foreground.forward)(number);
            }
        }
        Ok(())
    }
}

/// Writes everything, past short writes and a descriptor that somebody made non-blocking.
fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::new(&to, PollFlags::OUT)];
                poll(&mut fds, None)?;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(())
}
