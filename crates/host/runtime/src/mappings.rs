//! User namespaces: their mappings, written from outside, and namespaces that exist for the mapping alone.
//!
//! config-linux.md, "User namespace mappings"; user_namespaces(7), "User and group ID mappings"; config.md, "Mounts",
//! `uidMappings`. The mapping of a namespace is written once, by somebody who has the right to the ids outside; where
//! that is not the caller, `newuidmap` and `newgidmap` of shadow decide by `/etc/subuid` and `/etc/subgid`.

use crate::channel;
use crate::error::{Cause, LaunchError, StepKind};
use kernel::namespace::{Kind, Kinds};
use kernel::process::{CloneOptions, clone_child};
use kernel::seqpacket;
use rustix::io::Errno;
use spec::runtime::IdMapping;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};

/// The kernel takes no more lines (`UID_GID_MAP_MAX_EXTENTS`).
pub(crate) const LINES_MAX: usize = 340;

/// Which ids inside are which outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mappings {
    /// Users.
    pub uids: Vec<IdMapping>,
    /// Groups.
    pub gids: Vec<IdMapping>,
}

/// The two maps of a namespace.
const USERS: Map = Map { file: "uid_map", helper: "newuidmap" };
const GROUPS: Map = Map { file: "gid_map", helper: "newgidmap" };

#[derive(Clone, Copy)]
struct Map {
    file: &'static str,
    helper: &'static str,
}

/// Writes the mappings of the user namespace in which the child `pid` is. The caller has not reaped the child, so that
/// the number is its own.
///
/// # Errors
/// [`LaunchError::Host`] with the map that the kernel or the helper refuses.
pub(crate) fn write(pid: i32, mappings: &Mappings) -> Result<(), LaunchError> {
    write_map(pid, USERS, &mappings.uids)?;
    write_map(pid, GROUPS, &mappings.gids)
}

fn write_map(pid: i32, map: Map, lines: &[IdMapping]) -> Result<(), LaunchError> {
    if lines.is_empty() {
        return Ok(());
    }
    let path = format!("/proc/{pid}/{}", map.file);
    let refused = |errno| LaunchError::Host {
        step: StepKind::Namespaces,
        object: format!("({})", map.file),
        source: Cause(errno),
    };
    match std::fs::write(&path, text(lines))
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    {
        Ok(()) => Ok(()),
        Err(Errno::PERM) if is_own(lines) && map.file == GROUPS.file => {
            // Who has no right to other groups may map the own one, once nobody inside can drop groups.
            let denied = std::fs::write(format!("/proc/{pid}/setgroups"), "deny");
            denied
                .and_then(|()| std::fs::write(&path, text(lines)))
                .map_err(|error| refused(Errno::from_io_error(&error).unwrap_or(Errno::IO)))
        }
        Err(Errno::PERM) => ask(pid, map, lines),
        Err(errno) => Err(refused(errno)),
    }
}

/// Whether the map is one of the caller's group alone.
fn is_own(lines: &[IdMapping]) -> bool {
    matches!(lines, [only] if only.size == 1 && only.host_id == rustix::process::getegid().as_raw())
}

fn text(lines: &[IdMapping]) -> String {
    lines.iter().map(|line| format!("{} {} {}\n", line.container_id, line.host_id, line.size)).collect()
}

/// Lets the program that has the right to the caller's subordinate ids write the map (newuidmap(1)).
fn ask(pid: i32, map: Map, lines: &[IdMapping]) -> Result<(), LaunchError> {
    let numbers = lines.iter().flat_map(|line| [line.container_id, line.host_id, line.size]);
    let output = Command::new(map.helper)
        .arg(pid.to_string())
        .args(numbers.map(|number| number.to_string()))
        .stdin(Stdio::null())
        .output();
    let (why, errno) = match output {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => (String::from_utf8_lossy(&output.stderr).trim().to_owned(), Errno::PERM),
        Err(error) => (String::new(), Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    };
    let object = if why.is_empty() { format!("(by {})", map.helper) } else { format!("({why})") };
    Err(LaunchError::Host { step: StepKind::Namespaces, object, source: Cause(errno) })
}

/// A user namespace with these mappings and nobody in it, as mount_setattr(2) takes one for an idmapped mount.
///
/// # Errors
/// [`LaunchError::Clone`], or as [`write`].
pub(crate) fn namespace_for_mount(mappings: &Mappings) -> Result<OwnedFd, LaunchError> {
    let fail = |errno| LaunchError::Clone { source: Cause(errno) };
    let (ours, theirs) = seqpacket::pair().map_err(fail)?;
    let kept = [theirs.as_fd()];
    let options =
        CloneOptions { namespaces: Kinds::NONE.with(Kind::User), keep: &kept, ..CloneOptions::default() };
    // It lives until its namespace has been opened, and ends when our end of the channel does.
    let child = clone_child(&options, || channel::wait_for_go(theirs.as_fd()).map_or(1, i32::from));
    let child = child.map_err(fail)?;
    let opened = write(child.pid, mappings)
        .and_then(|()| kernel::namespace::open_of(child.pid, Kind::User).map_err(fail));
    drop(ours);
    crate::created::give_up(&child);
    opened
}
