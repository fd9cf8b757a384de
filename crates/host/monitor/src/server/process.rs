//! A process of the container as the monitor sees it: its end, its streams, who listens.

use super::reactor::{Interest, Reactor, Token};
use super::stdio::Ends;
use crate::log::{LINE_MAX, Lines, LogSink, Stream};
use ids::ExecId;
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// Bytes of a probe's output that are kept, as in Docker.
const CAPTURE_MAX: usize = 4096;

/// What a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The container's first.
    First,
    /// One that the user asked for.
    Exec(ExecId),
    /// A health probe.
    Probe,
}

/// One process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) purpose: Purpose,
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
    /// Master of the terminal, for its size.
    pub(super) terminal: Option<OwnedFd>,
    ends: Ends,
    /// Input that the process has not taken yet.
    input: Vec<u8>,
    /// The input ends once it is taken.
    input_ends: bool,
    stdout_lines: Lines,
    stderr_lines: Lines,
    /// A probe's output.
    pub(super) captured: Vec<u8>,
    /// Not read while a client is behind.
    paused: bool,
}

impl Process {
    /// Takes a process and its streams into the reactor, under `key`.
    pub(super) fn new(
        purpose: Purpose,
        pid: i32,
        pidfd: OwnedFd,
        terminal: Option<OwnedFd>,
        ends: Ends,
    ) -> Self {
        Self {
            purpose,
            pid,
            pidfd,
            terminal,
            ends,
            input: Vec::new(),
            input_ends: false,
            stdout_lines: Lines::default(),
            stderr_lines: Lines::default(),
            captured: Vec::new(),
            paused: false,
        }
    }

    /// Begins to read its output.
    pub(super) fn watch(&self, key: u32, reactor: &Reactor) -> rustix::io::Result<()> {
        for (fd, token) in self.outputs(key) {
            reactor.add(fd, token, Interest::READ)?;
        }
        Ok(())
    }

    fn outputs(&self, key: u32) -> impl Iterator<Item = (&OwnedFd, Token)> {
        let stdout = self.ends.stdout.as_ref().map(|fd| (fd, Token::Stdout(key)));
        let stderr = self.ends.stderr.as_ref().map(|fd| (fd, Token::Stderr(key)));
        stdout.into_iter().chain(stderr)
    }

    /// Stops reading its output while somebody who gets it is behind, or resumes.
    pub(super) fn pause(&mut self, key: u32, paused: bool, reactor: &Reactor) {
        if self.paused == paused {
            return;
        }
        self.paused = paused;
        for (fd, token) in self.outputs(key) {
            if paused {
                reactor.remove(fd);
            } else {
                // It was in the set before, so only a lack of kernel memory can fail here; then this output waits for
                // the end of the process, when everything is read.
                let _ = reactor.add(fd, token, Interest::READ);
            }
        }
    }

    /// Reads once from a stream. `None`: nothing there now; an empty answer: its end.
    pub(super) fn read<'a>(&self, stream: Stream, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        let fd = match stream {
            Stream::Stdout => self.ends.stdout.as_ref(),
            Stream::Stderr => self.ends.stderr.as_ref(),
        }?;
        loop {
            match rustix::io::read(fd, &mut *buffer) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return None,
                // A terminal without slaves says EIO.
                Err(_) => return Some(&[]),
                Ok(length) => return Some(&buffer[..length]),
            }
        }
    }

    /// Closes a stream that has ended.
    pub(super) fn close(&mut self, stream: Stream, reactor: &Reactor) {
        let end = match stream {
            Stream::Stdout => &mut self.ends.stdout,
            Stream::Stderr => &mut self.ends.stderr,
        };
        if let Some(fd) = end.take() {
            reactor.remove(fd);
        }
    }

    /// Puts output into the log, line by line.
    pub(super) fn log(
        &mut self,
        sink: &mut dyn LogSink,
        stream: Stream,
        bytes: &[u8],
    ) -> std::io::Result<()> {
        let now = crate::clock::now();
        let lines = match stream {
            Stream::Stdout => &mut self.stdout_lines,
            Stream::Stderr => &mut self.stderr_lines,
        };
        let mut result = Ok(());
        lines.push(bytes, |entry, partial| {
            if let Err(error) = sink.write(stream, partial, &now, entry) {
                result = Err(error);
            }
        });
        result.and(sink.flush())
    }

    /// Puts unfinished lines into the log.
    pub(super) fn finish_log(&mut self, sink: &mut dyn LogSink) -> std::io::Result<()> {
        let now = crate::clock::now();
        let mut result = Ok(());
        for (stream, lines) in
            [(Stream::Stdout, &mut self.stdout_lines), (Stream::Stderr, &mut self.stderr_lines)]
        {
            lines.finish(|entry, partial| {
                if let Err(error) = sink.write(stream, partial, &now, entry) {
                    result = Err(error);
                }
            });
        }
        result.and(sink.flush())
    }

    /// Keeps the beginning of a probe's output.
    pub(super) fn capture(&mut self, bytes: &[u8]) {
        let room = CAPTURE_MAX.saturating_sub(self.captured.len());
        self.captured.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    /// Takes input for the process. `false`: it is behind, send no more for now.
    pub(super) fn feed(&mut self, key: u32, bytes: &[u8], reactor: &Reactor) -> bool {
        if self.ends.stdin.is_some() {
            self.input.extend_from_slice(bytes);
        }
        self.flush_input(key, reactor)
    }

    /// The input ends once everything is taken. A terminal's input has no end.
    pub(super) fn end_input(&mut self, key: u32, reactor: &Reactor) {
        if self.terminal.is_none() {
            self.input_ends = true;
            self.flush_input(key, reactor);
        }
    }

    /// Writes what waits; `true` when nothing is left.
    pub(super) fn flush_input(&mut self, key: u32, reactor: &Reactor) -> bool {
        let Some(stdin) = &self.ends.stdin else { return true };
        while !self.input.is_empty() {
            match rustix::io::write(stdin, &self.input) {
                Ok(length) => drop(self.input.drain(..length)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let token = Token::Stdin(key);
                    if let Err(Errno::EXIST) = reactor.add(stdin, token, Interest::WRITE) {
                        // Waiting already.
                    }
                    return false;
                }
                Err(_) => {
                    // Nobody reads any more.
                    self.input.clear();
                    self.input_ends = true;
                }
            }
        }
        reactor.remove(stdin);
        if self.input_ends {
            self.ends.stdin = None;
        }
        true
    }
}

/// Bytes that one read takes at the most: a few log entries.
pub(super) const READ_MAX: usize = 2 * LINE_MAX;
