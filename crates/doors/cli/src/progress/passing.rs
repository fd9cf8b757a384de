//! One stream whose bytes are counted as they pass.

use super::bar::so_far;
use crate::context::terminal_width;
use crate::render::units::short_size;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::time::{Duration, Instant};

/// How often a terminal is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(75);

/// What stands before the count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told {
    /// These words, and the count after them.
    Words(&'static str),
    /// A verb, and a bar where the whole length is known.
    Bar(&'static str, u64),
}

/// Counts what passes, and tells it to whoever has standard error on a terminal.
#[derive(Debug)]
pub(crate) struct Passing<S> {
    stream: S,
    passed: u64,
    broken: bool,
    told: Option<Told>,
    last: Option<Instant>,
}

impl<S> Passing<S> {
    /// Around a stream; `told` is shown only on a terminal.
    pub(crate) fn new(stream: S, told: Option<Told>) -> Self {
        let told = told.filter(|_| io::stderr().is_terminal());
        Self { stream, passed: 0, broken: false, told, last: None }
    }

    /// Whether nobody read any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    fn count(&mut self, bytes: usize) {
        self.passed += bytes as u64;
        let Some(told) = self.told else { return };
        if self.last.is_none_or(|last| last.elapsed() >= TELL_EVERY) {
            self.last = Some(Instant::now());
            let text = match told {
                Told::Words(words) => format!("{words}{}", short_size(self.passed)),
                Told::Bar(verb, total) => so_far(verb, self.passed, total, terminal_width()),
            };
            // Nobody is left to be told when standard error is closed.
            let _ = write!(io::stderr(), "\r\x1b[2K{text}");
        }
    }

    /// Takes away what was shown.
    pub(crate) fn clear(&mut self) {
        if self.last.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }

    /// Closes the stream; how much passed, and whether nobody read any more.
    pub(crate) fn close(mut self) -> (u64, bool) {
        self.clear();
        (self.passed, self.broken)
    }
}

impl<S: Write> Write for Passing<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes);
        match &written {
            Ok(count) => self.count(*count),
            Err(error) => self.broken |= error.kind() == ErrorKind::BrokenPipe,
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.stream.flush();
        self.broken |= matches!(&flushed, Err(error) if error.kind() == ErrorKind::BrokenPipe);
        flushed
    }
}

impl<S: Read> Read for Passing<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.count(count);
        Ok(count)
    }
}
