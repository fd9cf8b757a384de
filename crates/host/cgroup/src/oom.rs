//! Notice and count of processes that were killed for want of memory.

use crate::directory::{Directory, write_once};
use crate::hierarchy::Version;
use crate::{CgroupError, Controller, Group, parse};
use rustix::event::{EventfdFlags, epoll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// A descriptor that becomes ready when a group runs out of memory, and the count of kills.
///
/// v1 signals when the group runs out and counts when it has killed, so a count that is read at the signal may be one
/// behind; read it again when the process's end is seen, where it is final.
#[derive(Debug)]
pub struct OomWatch {
    version: Version,
    /// v1: an eventfd; v2: `memory.events` itself.
    signal: OwnedFd,
    /// `memory.oom_control` or `memory.events`.
    counter: OwnedFd,
    last: u64,
}

impl Group {
    /// Begins to watch; `None` where there is no memory controller.
    ///
    /// # Errors
    /// [`CgroupError::Open`] or [`CgroupError::Write`].
    pub fn oom_events(&self) -> Result<Option<OomWatch>, CgroupError> {
        match self.directory(Controller::Memory) {
            None => Ok(None),
            Some(directory) if directory.version == Version::V1 => watch_v1(directory).map(Some),
            Some(directory) => {
                let counter = directory.open_file("memory.events", OFlags::RDONLY)?;
                let signal = directory.open_file("memory.events", OFlags::RDONLY)?;
                let mut watch = OomWatch { version: Version::V2, signal, counter, last: 0 };
                // Only a file that was read tells of changes.
                watch.clear();
                Ok(Some(watch))
            }
        }
    }

    /// How many processes were killed for want of memory so far, without a watch; 0 where nobody counts.
    ///
    /// # Errors
    /// [`CgroupError::Read`].
    pub fn oom_kills(&self) -> Result<u64, CgroupError> {
        let Some(directory) = self.directory(Controller::Memory) else { return Ok(0) };
        let text = directory.read_if_there(counter_file(directory.version))?.unwrap_or_default();
        Ok(parse::flat_value(&text, "oom_kill").unwrap_or(0))
    }
}

fn counter_file(version: Version) -> &'static str {
    match version {
        Version::V1 => "memory.oom_control",
        Version::V2 => "memory.events",
    }
}

/// cgroup-v1/memory.rst, "OOM Control": an eventfd is registered with a descriptor of the file.
fn watch_v1(directory: &Directory) -> Result<OomWatch, CgroupError> {
    const REGISTER: &str = "cgroup.event_control";
    let counter = directory.open_file(counter_file(Version::V1), OFlags::RDONLY)?;
    let failed = |value: String, source| CgroupError::Write {
        setting: "OOM notification".to_owned(),
        value,
        path: directory.file(REGISTER),
        source,
    };
    let signal = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(|source| failed(String::new(), source))?;
    let value = format!("{} {}", signal.as_raw_fd(), counter.as_raw_fd());
    let register = directory.open_file(REGISTER, OFlags::WRONLY)?;
    write_once(register.as_fd(), &value).map_err(|source| failed(value, source))?;
    Ok(OomWatch { version: Version::V1, signal, counter, last: 0 })
}

impl OomWatch {
    /// What to wait for on the descriptor.
    #[must_use]
    pub fn readiness(&self) -> epoll::EventFlags {
        match self.version {
            Version::V1 => epoll::EventFlags::IN,
            Version::V2 => epoll::EventFlags::PRI,
        }
    }

    /// Takes a signal off the descriptor, so that the next one is seen.
    pub fn clear(&mut self) {
        let mut buffer = [0; 512];
        // Nothing to take is as good.
        let _ = match self.version {
            Version::V1 => rustix::io::read(&self.signal, &mut buffer),
            Version::V2 => rustix::io::pread(&self.signal, &mut buffer, 0),
        };
    }

    /// How many processes were killed so far; of a group that was removed, what was known last.
    ///
    /// # Errors
    /// What read(2) reports.
    pub fn count(&mut self) -> rustix::io::Result<u64> {
        let mut text = [0; 512];
        match rustix::io::pread(&self.counter, &mut text, 0) {
            Ok(count) => {
                let found = parse::flat_value(&String::from_utf8_lossy(&text[..count]), "oom_kill");
                self.last = found.unwrap_or(self.last);
                Ok(self.last)
            }
            // v1 also signals when the group is removed.
            Err(Errno::NODEV | Errno::NOENT) => Ok(self.last),
            Err(other) => Err(other),
        }
    }
}

impl AsFd for OomWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signal.as_fd()
    }
}
