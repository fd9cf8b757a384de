//! How a process that is about to be a container's gets into its group.

use crate::directory::{Directory, write_once};
use crate::hierarchy::Version;
use crate::parse::memberships;
use crate::{CgroupError, Group, GroupPath};
use rustix::fs::OFlags;
use rustix::process::Pid;
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
        self.add_tops(&mut entry)?;
        Ok(entry)
    }

    /// As [`Group::entry`] for a process that joins a running container (`exec`). A container that manages groups of
    /// its own (systemd inside) may have moved its processes into one below and enabled controllers there; cgroup2
    /// takes no process into the group above then, and the one in which `pid` is will do.
    ///
    /// # Errors
    /// [`CgroupError::Open`]; a `pid` that is gone or elsewhere is no error, and the group itself is entered.
    pub fn entry_beside(&self, pid: Pid) -> Result<Entry, CgroupError> {
        let mut entry = self.entry()?;
        let Some(unified) = self.hierarchies.unified().filter(|_| entry.v2_directory.is_some()) else {
            return Ok(entry);
        };
        let text =
            std::fs::read_to_string(format!("/proc/{}/cgroup", pid.as_raw_nonzero())).unwrap_or_default();
        let member = memberships(&text).find(|line| line.hierarchy == 0);
        let place = member.and_then(|line| GroupPath::parse(line.path).ok());
        if let Some(place) = place.filter(|place| place.is_below(&self.path))
            && let Some(directory) = Directory::open(unified, place.as_str())?
        {
            entry.v2_directory = Some(directory.fd);
        }
        Ok(entry)
    }

    /// Adds the way to the top where the caller is in a group and this one does not exist.
    fn add_tops(&self, entry: &mut Entry) -> Result<(), CgroupError> {
        for hierarchy in self.hierarchies.all().iter().filter(|hierarchy| hierarchy.caller_is_below_top) {
            let member = self.directories.iter().any(|directory| directory.is_of(hierarchy));
            if hierarchy.version == Version::V1
                && !member
                && let Some(top) = Directory::open(hierarchy, "")?
            {
                entry.v1_tasks.push(top.open_file("tasks", OFlags::WRONLY)?);
            }
        }
        Ok(())
    }
}
