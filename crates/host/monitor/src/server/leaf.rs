//! A control group for the instance's monitors: out of the one that the caller is in, so that the end of a login session or
//! of a service does not end the monitors of what it started, and its limits do not bound them.
//!
//! Not on the way of a start: leaving a group of cgroup2 takes the kernel's lock of all forks and waits for an RCU grace
//! period. A container that ends at once does without.

use super::isolation::Failure;
use crate::layout::MONITORS_GROUP;
use cgroup::{CgroupError, Group, GroupPath, Hierarchies};
use ids::InstanceId;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::time::Duration;

/// How long a container has run when its monitor leaves the caller's group.
pub(super) const AFTER: Duration = Duration::from_millis(100);

/// Two monitors may make it at once, and the last one that goes may be removing it.
const ATTEMPTS: u32 = 4;

/// Moves this process into the instance's group for monitors, if it is in anybody's now.
///
/// # Errors
/// When the group cannot be made or entered: the monitor then stays where it is, which it can live with.
pub(super) fn enter(instance: &InstanceId) -> Result<(), Failure> {
    let failed = |error: CgroupError| Failure::host(&error);
    let hierarchies = Hierarchies::detect().map_err(failed)?;
    if !hierarchies.all().iter().any(|hierarchy| hierarchy.caller_is_below_top) {
        return Ok(());
    }
    let parent = GroupPath::parse(&format!("sampan-{instance}")).map_err(failed)?;
    let path = parent.join(MONITORS_GROUP).map_err(failed)?;
    let mut attempt = 1;
    loop {
        match open(&hierarchies, &path).and_then(|group| join(&group)) {
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

fn open(hierarchies: &Hierarchies, path: &GroupPath) -> Result<Group, Failure> {
    let group = match Group::open(hierarchies, path) {
        Err(CgroupError::NotFound { .. }) => {
            Group::create(hierarchies, path, &spec::runtime::Resources::default())
        }
        group => group,
    };
    group.map_err(|error| Failure::host(&error))
}

fn join(group: &Group) -> Result<(), Failure> {
    let entry = group.entry().map_err(|error| Failure::host(&error))?;
    let errno = |errno: Errno| Failure::host(&std::io::Error::from(errno));
    entry.join_v1().map_err(errno)?;
    let Some(directory) = &entry.v2_directory else { return Ok(()) };
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let processes = rustix::fs::openat(directory, "cgroup.procs", flags, Mode::empty()).map_err(errno)?;
    rustix::io::write(processes, b"0").map(drop).map_err(errno)
}
