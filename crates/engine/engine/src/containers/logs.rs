//! What a container has printed.

use super::LookupError;
use crate::Engine;
use crate::documents::FileError;

/// Which output is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogQuery {
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
    /// Wait for more until the container has ended.
    pub follow: bool,
    /// Only from this time, nanoseconds since 1970.
    pub since: Option<i64>,
    /// Only until this time, nanoseconds since 1970.
    pub until: Option<i64>,
    /// Only that many last lines.
    pub tail: Option<usize>,
}

impl Default for LogQuery {
    fn default() -> Self {
        Self { stdout: true, stderr: true, follow: false, since: None, until: None, tail: None }
    }
}

/// Where a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output, or the terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One piece of output: a line with its end, or a part of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Where it came from.
    pub stream: LogStream,
    /// RFC 3339 with nanoseconds, UTC.
    pub time: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Its log driver keeps nothing to read. The words are Docker's.
    #[error("configured logging driver does not support reading")]
    NotReadable,
    /// A segment.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The pieces in order; with `follow`, `next` blocks until there is more or the container has ended.
#[derive(Debug)]
pub struct LogReader {}

impl Iterator for LogReader {
    type Item = Result<LogEntry, LogsError>;
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

impl Engine {
    /// Reads a container's log.
    ///
    /// # Errors
    /// See [`LogsError`].
    pub fn logs(&self, container: &str, query: &LogQuery) -> Result<LogReader, LogsError> {
        todo!()
    }
}
