//! What happened: the event log, read and followed.

use crate::Engine;
use crate::documents::{self, FileError};
use crate::segments::Segments;
use monitor::clock;
use monitor::events::{self, Event};
use monitor::layout::events_directory;
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
/// The current segment and the one before.
const SEGMENTS: u32 = 2;

/// Events in order. `next` blocks until there is one or `until` is past.
#[derive(Debug)]
pub struct EventReader {
    query: EventQuery,
    segments: Segments,
}

impl Engine {
    /// Events of the instance. What happens after this call is not missed.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn events(&self, query: EventQuery) -> Result<EventReader, EventsError> {
        let directory = events_directory(&self.context().roots.data);
        documents::make_directory(&directory)?;
        let mut segments = Segments::open(directory.join(events::CURRENT), SEGMENTS)?;
        if query.since.is_none() {
            segments.skip_to_last(0)?;
        }
        Ok(EventReader { query, segments })
    }
}

impl EventReader {
    fn is_over(&self, time: i64) -> bool {
        self.query.until.is_some_and(|until| time > until)
    }

    /// The next wanted event in the log; `None` when there is none now.
    fn next_written(&mut self) -> Result<Option<Event>, FileError> {
        while let Some(line) = self.segments.next_line()? {
            // A line that does not parse was torn by a loss of power.
            if let Ok(event) = serde_json::from_slice::<Event>(&line)
                && self.query.since.is_none_or(|since| event.time_ns >= since)
            {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}

impl Iterator for EventReader {
    type Item = Result<Event, EventsError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // Asked before the log is read: what was written before `until` is still read.
            let over = self.is_over(clock::now_ns());
            match self.next_written() {
                Err(error) => return Some(Err(error.into())),
                Ok(Some(event)) if self.is_over(event.time_ns) => return None,
                Ok(Some(event)) => return Some(Ok(event)),
                Ok(None) if over => return None,
                Ok(None) => std::thread::sleep(LOOK_INTERVAL),
            }
        }
    }
}
