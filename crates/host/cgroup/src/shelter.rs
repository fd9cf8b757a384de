//! A group for a process that must outlive whoever started it.
//!
//! On a host with systemd every caller is in a group of a session or a service, and when that ends systemd kills all
//! who are still in it (systemd.kill(5), `KillMode=control-group`; logind.conf(5), `KillUserProcesses`), as it freezes
//! and limits them meanwhile. podman moves conmon for the same reason. Only cgroup2 is looked at: systemd keeps track
//! of processes there wherever it is mounted.

use crate::directory::{Directory, make};
use crate::hierarchy::Hierarchies;
use crate::parse::memberships;
use crate::{CgroupError, GroupPath};
use rustix::io::Errno;
use std::fs;
use std::os::fd::OwnedFd;

/// The directory of the group `path` of cgroup2, made if need be, for `CLONE_INTO_CGROUP` of clone3(2); `None` where a
/// new process needs none, because the caller is at the top itself.
///
/// # Errors
/// When the group cannot be made or opened.
pub fn shelter(path: &GroupPath) -> Result<Option<OwnedFd>, CgroupError> {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    if !memberships(&text).any(|line| line.hierarchy == 0 && line.path != "/") {
        return Ok(None);
    }
    let hierarchies = Hierarchies::detect()?;
    let Some(unified) = hierarchies.unified() else { return Ok(None) };
    if let Some(directory) = Directory::open(unified, path.as_str())? {
        return Ok(Some(directory.fd));
    }
    match make(&unified.mount_point, path.as_str()) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(source) => {
            return Err(CgroupError::Create { path: unified.mount_point.join(path.as_str()), source });
        }
    }
    Ok(Directory::open(unified, path.as_str())?.map(|directory| directory.fd))
}
