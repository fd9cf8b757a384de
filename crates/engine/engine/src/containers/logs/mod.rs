//! What a container has printed: the json-file segments that its monitor writes, read in order.

mod entry;

pub use entry::{LogEntry, LogStream};

use super::lookup::LookupError;
use super::operation::Liveness;
use crate::Engine;
use crate::documents::{self, FileError};
use crate::segments::Segments;
use monitor::clock;
use monitor::desired::LogPlan;
use monitor::layout::ContainerDirectories;
use std::time::Duration;

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
    /// Only that many last lines, of both streams together.
    pub tail: Option<usize>,
}

impl Default for LogQuery {
    fn default() -> Self {
        Self { stdout: true, stderr: true, follow: false, since: None, until: None, tail: None }
    }
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

/// Between two looks at a log that is followed.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// The pieces in order; with `follow`, `next` blocks until there is more or the container has ended.
#[derive(Debug)]
pub struct LogReader {
    query: LogQuery,
    segments: Segments,
    directories: ContainerDirectories,
    /// The container was seen to have ended: what is there now is all.
    ended: bool,
}

impl Engine {
    /// Reads a container's log.
    ///
    /// # Errors
    /// See [`LogsError`].
    pub fn logs(&self, container: &str, query: &LogQuery) -> Result<LogReader, LogsError> {
        let id = self.find(container)?;
        let directories = self.directories(&id);
        let desired = documents::read_desired(&directories)?.ok_or(LookupError::Incomplete { id })?;
        let LogPlan::JsonFile { path, max_files, .. } = desired.log else {
            return Err(LogsError::NotReadable);
        };
        let mut segments = Segments::open(path, max_files)?;
        if let Some(count) = query.tail {
            segments.skip_to_last(count)?;
        }
        Ok(LogReader { query: *query, segments, directories, ended: !query.follow })
    }
}

impl LogReader {
    /// Whether an entry is wanted; `None` when nothing wanted can come any more.
    fn judge(&self, entry: &LogEntry) -> Option<bool> {
        let time =
            if self.query.since.is_some() || self.query.until.is_some() { entry.time_ns() } else { None };
        if let (Some(until), Some(time)) = (self.query.until, time)
            && time > until
        {
            return None;
        }
        let recent = match (self.query.since, time) {
            (Some(since), Some(time)) => time >= since,
            _ => true,
        };
        let stream = match entry.stream {
            LogStream::Stdout => self.query.stdout,
            LogStream::Stderr => self.query.stderr,
        };
        Some(recent && stream)
    }

    fn is_over(&self) -> bool {
        self.ended || self.query.until.is_some_and(|until| clock::now_ns() > until)
    }
}

impl Iterator for LogReader {
    type Item = Result<LogEntry, LogsError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.segments.next_line() {
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error.into()));
                }
                // A line that does not parse was torn by a loss of power.
                Ok(Some(line)) => {
                    if let Some(entry) = LogEntry::parse(&line)
                        && self.judge(&entry)?
                    {
                        return Some(Ok(entry));
                    }
                }
                Ok(None) if self.is_over() => return None,
                Ok(None) => {
                    // Looked at before the last read: what was written before the end is still read.
                    self.ended = !Liveness::is_held(&self.directories);
                    if !self.ended {
                        std::thread::sleep(LOOK_INTERVAL);
                    }
                }
            }
        }
    }
}
