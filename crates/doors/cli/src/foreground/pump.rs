//! The loop.

use super::detach::DetachKeys;
use super::signals::{Caught, WINDOW_CHANGED};
use super::terminal::{self, RawMode};
use crate::client::{Happened, Stream};
use crate::failure::Failure;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
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
    /// Our own standard streams.
    pub(crate) own: Own<'a>,
}

/// Standard input, output and error of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own<'a> {
    /// Read.
    pub(crate) input: BorrowedFd<'a>,
    /// Written.
    pub(crate) output: BorrowedFd<'a>,
    /// Written.
    pub(crate) error: BorrowedFd<'a>,
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
        let signals: BorrowedFd<'_> = self.foreground.signals.as_fd();
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.foreground.stream.descriptor(), wanted),
            PollFd::from_borrowed_fd(signals, PollFlags::IN),
        ];
        // Input is read only when the last of it was taken: a container that does not read must not fill our memory.
        if self.input && self.pending.is_empty() {
            fds.push(PollFd::from_borrowed_fd(self.foreground.own.input, PollFlags::IN));
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
            Happened::Stdout(bytes) => write_all(self.foreground.own.output, bytes),
            Happened::Stderr(bytes) => write_all(self.foreground.own.error, bytes),
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
        let length = match rustix::io::read(self.foreground.own.input, &mut buffer[..CHUNK]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;

    /// What the other side of a stream does, one step each time it is asked.
    #[derive(Debug)]
    enum Step {
        Says(&'static [u8], bool),
        Ends(i32),
        Releases,
        Closes,
    }

    /// A process that says what it is told to, and keeps what it is sent.
    struct Scripted {
        /// Always readable and writable.
        ready: OwnedFd,
        steps: VecDeque<Step>,
        /// Steps wait until the input has ended.
        after_input: bool,
        got: Vec<u8>,
        ended: bool,
        sizes: Vec<(u16, u16)>,
    }

    impl Scripted {
        fn new(steps: impl Into<VecDeque<Step>>) -> Self {
            let ready = File::options().read(true).write(true).open("/dev/null").unwrap().into();
            Self {
                ready,
                steps: steps.into(),
                after_input: false,
                got: Vec::new(),
                ended: false,
                sizes: Vec::new(),
            }
        }
    }

    impl Stream for Scripted {
        fn descriptor(&self) -> BorrowedFd<'_> {
            self.ready.as_fd()
        }
        fn next<'a>(&mut self, buffer: &'a mut [u8]) -> rustix::io::Result<Happened<'a>> {
            if self.after_input && !self.ended {
                return Ok(Happened::Stdout(&buffer[..0]));
            }
            Ok(match self.steps.pop_front() {
                Some(Step::Says(bytes, error)) => {
                    buffer[..bytes.len()].copy_from_slice(bytes);
                    let bytes = &buffer[..bytes.len()];
                    if error { Happened::Stderr(bytes) } else { Happened::Stdout(bytes) }
                }
                Some(Step::Ends(code)) => Happened::Exited(code),
                Some(Step::Releases) => Happened::Released,
                Some(Step::Closes) => Happened::Closed,
                // Nothing happens: an empty piece of output.
                None => Happened::Stdout(&buffer[..0]),
            })
        }
        fn send_input(&mut self, bytes: &[u8]) -> rustix::io::Result<()> {
            self.got.extend_from_slice(bytes);
            Ok(())
        }
        fn end_input(&mut self) -> rustix::io::Result<()> {
            self.ended = true;
            Ok(())
        }
        fn resize(&mut self, rows: u16, columns: u16) -> rustix::io::Result<()> {
            self.sizes.push((rows, columns));
            Ok(())
        }
    }

    /// Pumps with `typed` as our input; how it ended, and what came out on both streams.
    fn pumped(stream: &mut Scripted, typed: &[u8], tty: bool) -> (Ended, Vec<u8>, Vec<u8>) {
        let (input, mut keyboard) = std::io::pipe().unwrap();
        let ((mut out, output), (mut err, error)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
        keyboard.write_all(typed).unwrap();
        drop(keyboard);
        let signals = Caught::new(false).unwrap();
        let ended = pump(Foreground {
            stream,
            signals: &signals,
            stdin: true,
            tty,
            detach: DetachKeys::parse(None).unwrap(),
            forward: &|_| {},
            own: Own { input: input.as_fd(), output: output.as_fd(), error: error.as_fd() },
        });
        drop((output, error));
        let (mut said, mut complained) = (Vec::new(), Vec::new());
        out.read_to_end(&mut said).unwrap();
        err.read_to_end(&mut complained).unwrap();
        (ended.unwrap_or_else(|failure| panic!("{}", failure.message)), said, complained)
    }

    #[test]
    fn output_is_sorted_and_the_code_is_the_process_own() {
        let mut stream = Scripted::new([
            Step::Says(b"out", false),
            Step::Says(b"err", true),
            Step::Ends(42),
            Step::Releases,
        ]);
        let ended = pumped(&mut stream, b"", false);
        assert_eq!(ended, (Ended::Exited(42), b"out".to_vec(), b"err".to_vec()));
    }

    #[test]
    fn all_input_arrives_and_then_its_end() {
        let mut stream = Scripted::new([Step::Ends(0), Step::Releases]);
        stream.after_input = true;
        let typed = vec![b'x'; 60_000];
        assert_eq!(pumped(&mut stream, &typed, false).0, Ended::Exited(0));
        assert_eq!((stream.got, stream.ended), (typed, true));
    }

    #[test]
    fn the_keys_detach_only_from_a_terminal() {
        let mut stream = Scripted::new([]);
        assert_eq!(pumped(&mut stream, b"ab\x10\x11cd", true).0, Ended::Detached);
        let mut stream = Scripted::new([Step::Ends(0), Step::Releases]);
        stream.after_input = true;
        assert_eq!(pumped(&mut stream, b"ab\x10\x11cd", false).0, Ended::Exited(0));
        assert_eq!(stream.got, b"ab\x10\x11cd");
    }

    #[test]
    fn a_closed_stream_without_an_end_is_a_loss() {
        assert_eq!(pumped(&mut Scripted::new([Step::Closes]), b"", false).0, Ended::Lost);
        let mut stream = Scripted::new([Step::Ends(3), Step::Closes]);
        assert_eq!(pumped(&mut stream, b"", false).0, Ended::Exited(3));
    }

    #[test]
    fn nobody_reads_our_output() {
        let (reader, output) = std::io::pipe().unwrap();
        drop(reader);
        let input = File::open("/dev/null").unwrap();
        let signals = Caught::new(false).unwrap();
        let mut stream = Scripted::new([Step::Says(b"x", false)]);
        let ended = pump(Foreground {
            stream: &mut stream,
            signals: &signals,
            stdin: false,
            tty: false,
            detach: DetachKeys::parse(None).unwrap(),
            forward: &|_| {},
            own: Own { input: input.as_fd(), output: output.as_fd(), error: output.as_fd() },
        });
        assert_eq!(ended.unwrap_or_else(|failure| panic!("{}", failure.message)), Ended::OutputClosed);
    }
}
