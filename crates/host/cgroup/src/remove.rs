//! Removing groups.

use crate::directory::Directory;
use crate::hierarchy::{Hierarchies, Hierarchy};
use crate::{CgroupError, Group, GroupPath, processes};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a group may stay busy although nobody is in it: the kernel ends the dead in the background.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// The same for a leftover whose name is wanted: somebody waits, and living processes will not go by themselves.
const LEFTOVER_WAIT: Duration = Duration::from_millis(100);

impl Group {
    /// Removes the group and the groups below it from every hierarchy. What is gone already is no error, and a
    /// failure in one hierarchy does not spare the others.
    ///
    /// # Errors
    /// [`CgroupError::InUse`] while there are living processes, [`CgroupError::Remove`] otherwise.
    pub fn remove(&self) -> Result<(), CgroupError> {
        directories(&self.directories)
    }
}

impl Hierarchies {
    /// Removes a group wherever it exists; see [`Group::remove`].
    ///
    /// # Errors
    /// As [`Group::remove`]; a group that does not exist is no error.
    pub fn remove(&self, path: &GroupPath) -> Result<(), CgroupError> {
        match Group::open(self, path) {
            Ok(group) => group.remove(),
            Err(CgroupError::NotFound { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Removes a shared parent wherever nothing is in it: no process and no group.
    ///
    /// # Errors
    /// [`CgroupError::Remove`]; one that is in use or does not exist is no error.
    pub fn remove_if_unused(&self, path: &GroupPath) -> Result<(), CgroupError> {
        for hierarchy in self.all() {
            let full = hierarchy.mount_point.join(path.as_str());
            match rustix::fs::rmdir(&full) {
                Ok(()) | Err(Errno::NOENT | Errno::BUSY | Errno::NOTEMPTY) => {}
                Err(source) => return Err(CgroupError::Remove { path: full, source }),
            }
        }
        Ok(())
    }

    /// The names of the groups directly below `path` in any hierarchy.
    ///
    /// # Errors
    /// [`CgroupError::Read`]; a group that does not exist has none.
    pub fn children(&self, path: &GroupPath) -> Result<BTreeSet<String>, CgroupError> {
        let mut names = BTreeSet::new();
        for hierarchy in self.all() {
            let full = hierarchy.mount_point.join(path.as_str());
            let found = subdirectories(&full).map_err(|source| CgroupError::Read { path: full, source })?;
            names.extend(found.iter().filter_map(|child| Some(child.file_name()?.to_str()?.to_owned())));
        }
        Ok(names)
    }
}

/// Removes all of them; the first error after all were tried.
pub(crate) fn directories(all: &[Directory]) -> Result<(), CgroupError> {
    let mut outcome = Ok(());
    for directory in all {
        outcome = outcome.and(one(directory, BUSY_WAIT));
    }
    outcome
}

/// Removes what an earlier group of the same name left.
pub(crate) fn leftover(hierarchy: &Hierarchy, path: &GroupPath) -> Result<(), CgroupError> {
    match rustix::fs::rmdir(hierarchy.mount_point.join(path.as_str())) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(_) => match Directory::open(hierarchy, path.as_str())? {
            Some(directory) => one(&directory, LEFTOVER_WAIT),
            None => Ok(()),
        },
    }
}

fn one(directory: &Directory, limit: Duration) -> Result<(), CgroupError> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(50);
    loop {
        match rustix::fs::rmdir(&directory.path) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY | Errno::NOTEMPTY) if start.elapsed() < limit => {}
            Err(source) => {
                return Err(
                    busy(directory).unwrap_or(CgroupError::Remove { path: directory.path.clone(), source })
                );
            }
        }
        // Deepest first. One that is still busy is met again in the next round.
        for child in below(&directory.path).iter().rev() {
            let _ = rustix::fs::rmdir(child);
        }
        std::thread::sleep(pause);
        pause = (2 * pause).min(Duration::from_millis(20));
    }
}

/// The error that says who is inside.
fn busy(directory: &Directory) -> Option<CgroupError> {
    let pids = processes::in_tree(directory).ok()?;
    let first = pids.first()?.as_raw_nonzero().get();
    Some(CgroupError::InUse { path: directory.path.clone(), count: pids.len(), first })
}

/// Every directory below this one, each after the one that it is in. What vanishes meanwhile is left out.
pub(crate) fn below(top: &Path) -> Vec<PathBuf> {
    let mut found = subdirectories(top).unwrap_or_default();
    let mut next = 0;
    while let Some(directory) = found.get(next) {
        let children = subdirectories(directory).unwrap_or_default();
        found.extend(children);
        next += 1;
    }
    found
}

fn subdirectories(directory: &Path) -> rustix::io::Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(directories.map(|entry| entry.path()).collect())
}
