//! What happened: the event log, read and followed.

use crate::Engine;
use crate::documents::{self, FileError};
use monitor::clock;
use monitor::events::{self, Event};
use monitor::layout::events_directory;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

/// Which events are wanted. Finer filters are the door's, on what comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only from this time, nanoseconds since 1970; from now on when absent.
    pub since: Option<i64>,
    /// Only until this time, nanoseconds since 1970; without end when absent.
    pub until: Option<i64>,
}

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct EventsError(#[from] FileError);

/// Between two looks at the log.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// A longer line is no event of ours.
const LINE_MAX: usize = 1 << 20;

/// Events in order. `next` blocks until there is one or `until` is past.
#[derive(Debug)]
pub struct EventReader {
    directory: PathBuf,
    query: EventQuery,
    /// Events of the past, still to be given out.
    past: VecDeque<Event>,
    current: Option<File>,
    pending: Vec<u8>,
}

impl Engine {
    /// Events of the instance.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn events(&self, query: EventQuery) -> Result<EventReader, EventsError> {
        let directory = events_directory(&self.context().roots.data);
        documents::make_directory(&directory)?;
        let failed = |source| FileError::of("read", &directory)(source);
        // Opened at its end first: what is written from now on is not lost, what was before is read below.
        let mut current = open_current(&directory).map_err(failed)?;
        if let Some(file) = &mut current {
            file.seek(SeekFrom::End(0)).map_err(|source| FileError::of("read", &directory)(source))?;
        }
        let past = match query.since {
            None => VecDeque::new(),
            Some(since) => {
                let opened =
                    File::open(&directory).map_err(|source| FileError::of("open", &directory)(source))?;
                let position = match &mut current {
                    Some(file) => file.stream_position().unwrap_or(0),
                    None => 0,
                };
                let all = read_past(&opened, position, &directory)?;
                all.into_iter().filter(|event| event.time_ns >= since).collect()
            }
        };
        Ok(EventReader { directory, query, past, current, pending: Vec::new() })
    }
}

/// The events before `position` of the current segment.
fn read_past(opened: &File, position: u64, directory: &std::path::Path) -> Result<Vec<Event>, FileError> {
    let mut all =
        events::read_all(opened.as_fd()).map_err(|source| FileError::of("read", directory)(source))?;
    // What came behind the position will be read by following; it is told apart by counting it.
    let behind = match open_current(directory).map_err(|source| FileError::of("read", directory)(source))? {
        Some(mut file) => {
            let mut rest = Vec::new();
            file.seek(SeekFrom::Start(position))
                .and_then(|_| file.read_to_end(&mut rest))
                .map_err(|source| FileError::of("read", directory)(source))?;
            rest.split(|byte| *byte == b'\n')
                .filter(|line| serde_json::from_slice::<Event>(line).is_ok())
                .count()
        }
        None => 0,
    };
    all.truncate(all.len().saturating_sub(behind));
    Ok(all)
}

fn open_current(directory: &std::path::Path) -> io::Result<Option<File>> {
    match File::open(directory.join(events::CURRENT)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl EventReader {
    /// The next complete line of the segment that is written to; `None` when there is none now.
    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.pending.drain(..=end).collect();
                line.pop();
                return Ok(Some(line));
            }
            if self.pending.len() > LINE_MAX {
                self.pending.clear();
            }
            let count = match &mut self.current {
                Some(file) => file.take(LINE_MAX as u64).read_to_end(&mut self.pending)?,
                None => 0,
            };
            if count == 0 && !self.turn_over()? {
                return Ok(None);
            }
        }
    }

    /// Goes on with a new segment, once the known one is read to its end; whether there is one.
    fn turn_over(&mut self) -> io::Result<bool> {
        let Some(newest) = open_current(&self.directory)? else { return Ok(false) };
        let is_known = match &self.current {
            Some(known) => known.metadata()?.ino() == newest.metadata()?.ino(),
            None => false,
        };
        if is_known {
            return Ok(false);
        }
        // Lines that were written before the segment was renamed.
        if let Some(known) = &mut self.current {
            known.read_to_end(&mut self.pending)?;
        }
        self.current = Some(newest);
        Ok(true)
    }

    fn is_over(&self, time: i64) -> bool {
        self.query.until.is_some_and(|until| time > until)
    }
}

impl Iterator for EventReader {
    type Item = Result<Event, EventsError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.past.pop_front() {
                return if self.is_over(event.time_ns) { None } else { Some(Ok(event)) };
            }
            match self.next_line() {
                Err(source) => return Some(Err(FileError::of("read", &self.directory)(source).into())),
                Ok(Some(line)) => match serde_json::from_slice::<Event>(&line) {
                    Ok(event) if self.is_over(event.time_ns) => return None,
                    Ok(event) if self.query.since.is_none_or(|since| event.time_ns >= since) => {
                        return Some(Ok(event));
                    }
                    // Too old, or torn by a loss of power.
                    _ => {}
                },
                Ok(None) if self.is_over(clock::now_ns()) => return None,
                Ok(None) => std::thread::sleep(LOOK_INTERVAL),
            }
        }
    }
}
