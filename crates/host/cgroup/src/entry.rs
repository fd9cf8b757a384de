//! How a process that is about to be a container's gets into its group.

use crate::directory::{Directory, write_once};
use crate::hierarchy::Version;
use crate::{CgroupError, Group};
use rustix::fs::OFlags;
use std::os::fd::{AsFd, OwnedFd};

/// The descriptors that a launch needs, opened before the clone; all closed on exec.
///
/// A process that writes its own entry (`0` to v1's `tasks` while it has one thread) and one that is cloned straight
/// into a v2 group take some 20 microseconds per hierarchy. Being moved from outside by `cgroup.procs` takes the
/// kernel's global lock of all forks and waits for an RCU grace period: 11 ms on an idle machine.
#[derive(Debug)]
pub struct Entry {
    /// For `CLONE_INTO_CGROUP` of clone3(2); `None` without cgroup2.
    pub v2_directory: Option<OwnedFd>,
    /// The `tasks` files of v1, for [`Entry::join_v1`].
    pub v1_tasks: Vec<OwnedFd>,
}

impl Entry {
    /// Enters the v1 hierarchies, in the child and while it has one thread. Allocates nothing.
    ///
    /// # Errors
    /// What write(2) reports: `INVAL` for a process under a real-time policy where the group has no
    /// `cpu.rt_runtime_us`, `NODEV` for a removed group.
    pub fn join_v1(&self) -> rustix::io::Result<()> {
        self.v1_tasks.iter().try_for_each(|tasks| write_once(tasks.as_fd(), "0"))
    }
}

impl Group {
    /// Opens what a new process needs to get in. In v1 hierarchies where the group is not, it leads to the top, so
    /// that nothing is inherited from the caller's own group.
    ///
    /// # Errors
    /// [`CgroupError::Open`].
    pub fn entry(&self) -> Result<Entry, CgroupError> {
        let mut entry = Entry { v2_directory: None, v1_tasks: Vec::with_capacity(self.directories.len()) };
        for directory in &self.directories {
            match directory.version {
                Version::V1 => entry.v1_tasks.push(directory.open_file("tasks", OFlags::WRONLY)?),
                Version::V2 => {
                    let copy = rustix::io::fcntl_dupfd_cloexec(&directory.fd, 3);
                    let failed = |source| CgroupError::Open { path: directory.path.clone(), source };
                    entry.v2_directory = Some(copy.map_err(failed)?);
                }
            }
        }
        for hierarchy in self.hierarchies.all().iter().filter(|hierarchy| hierarchy.caller_is_below_top) {
            let member = self.directories.iter().any(|directory| directory.is_of(hierarchy));
            if hierarchy.version == Version::V1
                && !member
                && let Some(top) = Directory::open(hierarchy, "")?
            {
                entry.v1_tasks.push(top.open_file("tasks", OFlags::WRONLY)?);
            }
        }
        Ok(entry)
    }
}
