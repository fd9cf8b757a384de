//! The event log: one JSON line per event, appended in a single write by whoever caused it.
//!
//! Lines of different processes never interleave (`O_APPEND`, one write(2) below `PIPE_BUF`-independent file
//! semantics of local file systems). The current segment is bounded; the previous one is kept.

use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// Name of the current segment in the events directory.
pub const CURRENT: &str = "events.log";
/// Name of the previous segment.
pub const PREVIOUS: &str = "events.log.1";
/// Bytes after which a new segment begins.
pub const SEGMENT_MAX: u64 = 4 * 1024 * 1024;

/// Something happened to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// `container`, `image`, `network`, `volume`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Docker's word (`create`, `start`, `die`, `health_status: healthy` …).
    pub action: String,
    /// Id or name of the object.
    pub id: String,
    /// Name, image, exit code …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl Event {
    /// An event of now.
    #[must_use]
    pub fn now(kind: &str, action: &str, id: &str) -> Self {
        Self {
            time_ns: crate::clock::now_ns(),
            kind: kind.to_owned(),
            action: action.to_owned(),
            id: id.to_owned(),
            attributes: BTreeMap::new(),
        }
    }

    /// With one more attribute.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.attributes.insert(key.to_owned(), value.into());
        self
    }
}

/// Appends an event to the log in `directory`.
///
/// # Errors
/// Whatever opening or writing the segment report.
pub fn append(directory: BorrowedFd<'_>, event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut segment = File::from(rustix::fs::openat(directory, CURRENT, flags, Mode::RUSR | Mode::WUSR)?);
    segment.write_all(&line)?;
    if segment.metadata()?.len() > SEGMENT_MAX {
        rotate(directory, &segment)?;
    }
    Ok(())
}

/// Renames the current segment, unless somebody else did so meanwhile. The lock is the segment's own.
fn rotate(directory: BorrowedFd<'_>, segment: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if !kernel::lock::try_exclusive(segment)? {
        return Ok(());
    }
    let named = rustix::fs::statat(directory, CURRENT, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
    if named.st_ino == segment.metadata()?.ino() {
        rustix::fs::renameat(directory, CURRENT, directory, PREVIOUS)?;
    }
    Ok(())
}

/// All events of the log, oldest first; lines that do not parse (torn by a power loss) are passed over.
///
/// # Errors
/// Whatever reading the segments reports; a missing one is empty.
pub fn read_all(directory: BorrowedFd<'_>) -> io::Result<Vec<Event>> {
    let mut events = Vec::new();
    for name in [PREVIOUS, CURRENT] {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let segment = match rustix::fs::openat(directory.as_fd(), name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::NOENT) => continue,
            Err(other) => return Err(other.into()),
        };
        let text = io::read_to_string(segment)?;
        events.extend(text.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok()));
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_writers_one_log() {
        let path = std::env::temp_dir().join(format!("sampan-events-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let directory = File::open(&path).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let directory = &directory;
                scope.spawn(move || {
                    for _ in 0..100 {
                        append(directory.as_fd(), &Event::now("container", "start", &writer.to_string()))
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(read_all(directory.as_fd()).unwrap().len(), 800);
        std::fs::remove_dir_all(path).unwrap();
    }
}
