//! A container's first process as other processes see it: its number may be reused, its start time tells.

use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// What `/proc/PID/stat` says that does not change, and whether it still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glimpse {
    /// In clock ticks since boot (proc_pid_stat(5), field 22).
    pub(crate) start_time: u64,
    /// Not a zombie.
    pub(crate) alive: bool,
}

/// Looks at a process; `None` when there is none of this number.
pub(crate) fn glimpse(pid: i32) -> Option<Glimpse> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<Glimpse> {
    // The second field is the name in brackets, which may contain anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let start_time = fields.nth(18)?.parse().ok()?;
    Some(Glimpse { start_time, alive: !matches!(state, "Z" | "X" | "x") })
}

/// Opens the process of this number if it still is the one that started then; a descriptor cannot be reused.
///
/// # Errors
/// `SRCH` when it is gone, else whatever pidfd_open(2) reports.
pub(crate) fn open(pid: i32, start_time: u64) -> rustix::io::Result<OwnedFd> {
    let pidfd = kernel::process::pidfd_open(pid)?;
    match glimpse(pid) {
        Some(found) if found.start_time == start_time && found.alive => Ok(pidfd),
        _ => Err(Errno::SRCH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_names_do_not_confuse() {
        let stat = "7 (a ) R (b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0";
        assert_eq!(parse(stat), Some(Glimpse { start_time: 4242, alive: true }));
        assert!(glimpse(std::process::id().cast_signed()).unwrap().alive);
    }
}
