//! Pausing and continuing a group.

use crate::directory::Directory;
use crate::{CgroupError, Controller, Group, parse};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// A process in an uninterruptible wait cannot be paused; after this long it is given up.
const LIMIT: Duration = Duration::from_secs(5);

impl Group {
    /// Pauses every process in it and below it, and waits until they are.
    ///
    /// # Errors
    /// [`CgroupError::TimedOut`] when one cannot be stopped: all run again then. [`CgroupError::MissingController`]
    /// without cgroup2 and v1's freezer.
    pub fn freeze(&self) -> Result<(), CgroupError> {
        let outcome = match self.means()? {
            Means::Unified(directory) => {
                directory.write_control("cgroup.freeze", "1")?;
                wait_for_event(directory, "frozen", 1, "freeze")
            }
            Means::Freezer(directory) => freeze_v1(directory),
        };
        if matches!(outcome, Err(CgroupError::TimedOut { .. })) {
            // The error that is told is the first.
            let _ = self.thaw();
        }
        outcome
    }

    /// Lets every process continue, and waits until they do.
    ///
    /// # Errors
    /// As [`Group::freeze`].
    pub fn thaw(&self) -> Result<(), CgroupError> {
        match self.means()? {
            Means::Unified(directory) => {
                directory.write_control("cgroup.freeze", "0")?;
                wait_for_event(directory, "frozen", 0, "thaw")
            }
            Means::Freezer(directory) => directory.write_control("freezer.state", "THAWED"),
        }
    }

    /// Whether it is paused.
    ///
    /// # Errors
    /// [`CgroupError::Read`].
    pub fn is_frozen(&self) -> Result<bool, CgroupError> {
        match self.means()? {
            Means::Unified(directory) => Ok(directory.number_if_there("cgroup.freeze")? == Some(1)),
            Means::Freezer(directory) => {
                // FREEZING on the way there.
                Ok(directory.read_if_there("freezer.state")?.is_some_and(|state| state.starts_with("FR")))
            }
        }
    }

    fn means(&self) -> Result<Means<'_>, CgroupError> {
        match (self.directory(Controller::Freezer), self.unified()) {
            (Some(freezer), _) => Ok(Means::Freezer(freezer)),
            (None, Some(unified)) => Ok(Means::Unified(unified)),
            (None, None) => {
                let setting = "pausing".to_owned();
                Err(CgroupError::MissingController { controller: Controller::Freezer, setting })
            }
        }
    }
}

/// Which interface pauses.
enum Means<'a> {
    Unified(&'a Directory),
    Freezer(&'a Directory),
}

/// Waits until `cgroup.events` says so; the kernel tells of changes by poll(2).
fn wait_for_event(
    directory: &Directory,
    key: &str,
    wanted: u64,
    what: &'static str,
) -> Result<(), CgroupError> {
    const EVENTS: &str = "cgroup.events";
    let failed = |source| CgroupError::Read { path: directory.file(EVENTS), source };
    let events = directory.open_file(EVENTS, OFlags::RDONLY)?;
    let start = Instant::now();
    loop {
        let mut text = [0; 256];
        let count = rustix::io::pread(&events, &mut text, 0).map_err(failed)?;
        if parse::flat_value(&String::from_utf8_lossy(&text[..count]), key) == Some(wanted) {
            return Ok(());
        }
        let Some(left) = LIMIT.checked_sub(start.elapsed()) else { return Err(timed_out(directory, what)) };
        let left = rustix::event::Timespec::try_from(left).map_err(|_| failed(Errno::INVAL))?;
        match rustix::event::poll(&mut [PollFd::new(&events, PollFlags::PRI)], Some(&left)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(other) => return Err(failed(other)),
        }
    }
}

/// v1 has no event, and must be asked again when the group forked while it was being paused
/// (cgroup-v1/freezer-subsystem.rst).
fn freeze_v1(directory: &Directory) -> Result<(), CgroupError> {
    const STATE: &str = "freezer.state";
    let start = Instant::now();
    let mut pause = Duration::from_micros(20);
    let mut round = 0u32;
    while start.elapsed() < LIMIT {
        round += 1;
        if round.is_multiple_of(50) {
            // A process that waits for one which is frozen already lets go when all are thawed.
            directory.write_control(STATE, "THAWED")?;
            std::thread::sleep(pause);
        }
        directory.write_control(STATE, "FROZEN")?;
        if directory.read(STATE)?.trim() == "FROZEN" {
            return Ok(());
        }
        std::thread::sleep(pause);
        pause = (2 * pause).min(Duration::from_millis(10));
    }
    Err(timed_out(directory, "freeze"))
}

fn timed_out(directory: &Directory, what: &'static str) -> CgroupError {
    let milliseconds = u64::try_from(LIMIT.as_millis()).unwrap_or(u64::MAX);
    CgroupError::TimedOut { path: directory.path.clone(), what, milliseconds }
}
