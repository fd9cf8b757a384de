//! Who is in a group, and making an end of them.

use crate::directory::Directory;
use crate::{CgroupError, Controller, Group, parse, remove};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};
use std::collections::HashSet;
use std::time::{Duration, Instant};

const FILE: &str = "cgroup.procs";

/// How often a v1 group that keeps forking is signalled again. Frozen it cannot fork, so two rounds are the rule.
const KILL_ROUNDS: usize = 16;

impl Group {
    /// The processes in it and in the groups below it, in no order. Those of outer pid namespaces are not visible.
    ///
    /// # Errors
    /// [`CgroupError::Read`]; a group that was removed has none.
    pub fn processes(&self) -> Result<Vec<Pid>, CgroupError> {
        counted_in(&self.directories).map_or_else(|| Ok(Vec::new()), in_tree)
    }

    /// Whether there is no living process in it nor below it.
    ///
    /// # Errors
    /// As [`Group::processes`].
    pub fn is_empty(&self) -> Result<bool, CgroupError> {
        if let Some(unified) = self.unified()
            && let Some(events) = unified.read_if_there("cgroup.events")?
            && parse::flat_value(&events, "populated") == Some(1)
        {
            return Ok(false);
        }
        Ok(self.processes()?.is_empty())
    }

    /// Sends SIGKILL to every process in it and below it, paused or not, and to what they fork meanwhile. They may
    /// take a moment to be gone; see [`Group::wait_until_empty`].
    ///
    /// # Errors
    /// [`CgroupError::Write`] or [`CgroupError::Read`]; a group that was removed is no error.
    pub fn kill(&self) -> Result<(), CgroupError> {
        if let Some(unified) = self.unified() {
            match unified.write("cgroup.kill", "1") {
                // Gone, or older than 5.14.
                Ok(()) | Err(Errno::NOENT | Errno::NODEV) => {}
                Err(source) => {
                    let (setting, value) = ("kill".to_owned(), "1".to_owned());
                    return Err(CgroupError::Write {
                        setting,
                        value,
                        path: unified.file("cgroup.kill"),
                        source,
                    });
                }
            }
        }
        // Also where cgroup2 did it: a process that entered only the v1 hierarchies dies here.
        if self.processes()?.is_empty() {
            return Ok(());
        }
        let freezer = self.directory(Controller::Freezer);
        for _ in 0..KILL_ROUNDS {
            // Best effort: an unfrozen group only takes more rounds.
            let frozen = freezer.map(|freezer| freezer.write("freezer.state", "FROZEN"));
            let signalled = self.signal_once();
            if frozen.is_some() {
                // A frozen v1 process dies when it is thawed.
                freezer.map_or(Ok(()), |freezer| freezer.write_control("freezer.state", "THAWED"))?;
            }
            if signalled? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits until no process is left.
    ///
    /// # Errors
    /// [`CgroupError::TimedOut`].
    pub fn wait_until_empty(&self, limit: Duration) -> Result<(), CgroupError> {
        let start = Instant::now();
        let mut pause = Duration::from_micros(100);
        while !self.is_empty()? {
            if start.elapsed() >= limit {
                let path =
                    self.directories.first().map(|directory| directory.path.clone()).unwrap_or_default();
                let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
                return Err(CgroupError::TimedOut { path, what: "die", milliseconds });
            }
            std::thread::sleep(pause);
            pause = (2 * pause).min(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Signals everyone who is in it twice over: before and after a descriptor of the process was taken, so that a
    /// pid which was reused in between is not hit. How many there were.
    fn signal_once(&self) -> Result<usize, CgroupError> {
        let handles: Vec<_> = self
            .processes()?
            .into_iter()
            .filter_map(|pid| Some((pid, rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()?)))
            .collect();
        let still: HashSet<Pid> = self.processes()?.into_iter().collect();
        let confirmed = handles.iter().filter(|(pid, _)| still.contains(pid));
        // A failure means that it is dead already.
        Ok(confirmed
            .filter(|(_, handle)| rustix::process::pidfd_send_signal(handle, Signal::KILL).is_ok())
            .count())
    }
}

/// The directory by which processes are counted: a v1 one if there is any, since every child inherits it, and only a
/// launch that asks for it enters cgroup2.
pub(crate) fn counted_in(directories: &[Directory]) -> Option<&Directory> {
    [Controller::Pids, Controller::Memory]
        .into_iter()
        .find_map(|controller| {
            directories.iter().find(|directory| directory.controllers.contains(controller))
        })
        .or_else(|| directories.first())
}

/// The processes in a directory and in those below it.
pub(crate) fn in_tree(directory: &Directory) -> Result<Vec<Pid>, CgroupError> {
    let mut pids = Vec::new();
    add_processes(directory.read_if_there(FILE)?.as_deref(), &mut pids);
    for below in remove::below(&directory.path) {
        let bytes = std::fs::read(below.join(FILE)).unwrap_or_default();
        add_processes(std::str::from_utf8(&bytes).ok(), &mut pids);
    }
    Ok(pids)
}

fn add_processes(text: Option<&str>, pids: &mut Vec<Pid>) {
    // 0 stands for a process of an outer pid namespace.
    let numbers = text.into_iter().flat_map(str::lines).filter_map(|line| line.parse().ok());
    pids.extend(numbers.filter_map(Pid::from_raw));
}
