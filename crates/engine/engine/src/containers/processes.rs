//! What `/proc` tells of a container's processes (proc(5)).

use std::fs;
use std::os::unix::fs::MetadataExt;

/// A process of a container, as the host sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Process id in the host's namespace.
    pub pid: i32,
    /// Its parent, in the host's namespace.
    pub parent: i32,
    /// Its effective user in the host's namespace.
    pub uid: u32,
    /// Seconds of processor time until now.
    pub cpu_seconds: u64,
    /// The same in milliseconds, as fine as the kernel's ticks.
    pub cpu_ms: u64,
    /// Bytes of memory that are resident, shared ones too.
    pub resident: u64,
    /// Seconds since it started.
    pub age_seconds: u64,
    /// Number of its terminal below `/dev/pts`.
    pub terminal: Option<u32>,
    /// Its arguments, or its name in brackets.
    pub command: String,
}

/// A command line is read up to this many bytes.
const COMMAND_MAX: usize = 4096;
/// Major device numbers of pseudo-terminals (`UNIX98_PTY_SLAVE_MAJOR` and the seven after it).
const TERMINAL_MAJORS: std::ops::Range<u32> = 136..144;

/// What is known of a process; `None` when it is gone.
pub(super) fn describe(pid: i32) -> Option<ProcessInfo> {
    let directory = format!("/proc/{pid}");
    let uid = fs::metadata(&directory).ok()?.uid();
    let stat = fs::read_to_string(format!("{directory}/stat")).ok()?;
    let stat = Stat::parse(&stat)?;
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let now = u64::try_from(now.tv_sec).unwrap_or(0);
    Some(ProcessInfo {
        pid,
        parent: stat.parent,
        uid,
        cpu_seconds: stat.cpu_ticks / ticks,
        cpu_ms: stat.cpu_ticks * 1000 / ticks,
        resident: stat.resident_pages * rustix::param::page_size() as u64,
        age_seconds: now.saturating_sub(stat.start_ticks / ticks),
        terminal: stat.terminal,
        command: command(&directory)?,
    })
}

fn command(directory: &str) -> Option<String> {
    let mut bytes = fs::read(format!("{directory}/cmdline")).ok()?;
    bytes.truncate(COMMAND_MAX);
    let text = String::from_utf8_lossy(&bytes);
    let command = text.trim_end_matches('\0').replace('\0', " ");
    if !command.is_empty() {
        return Some(command);
    }
    let name = fs::read_to_string(format!("{directory}/comm")).ok()?;
    Some(format!("[{}]", name.trim_end()))
}

/// The fields of `/proc/PID/stat` that are of use.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: i32,
    terminal: Option<u32>,
    cpu_ticks: u64,
    start_ticks: u64,
    resident_pages: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name in brackets may hold anything, brackets too.
        let (_, rest) = text.rsplit_once(')')?;
        // The first is field 3, the state.
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let device = fields.get(4)?.parse::<i32>().ok()?.cast_unsigned();
        // The encoding of `new_encode_dev`: minor 0-7, major 8-19, more of minor 20-31.
        let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
        let terminal =
            TERMINAL_MAJORS.contains(&major).then(|| (major - TERMINAL_MAJORS.start) * 256 + minor);
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            terminal,
            cpu_ticks: number(14)? + number(15)?,
            start_ticks: number(22)?,
            resident_pages: number(24)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let line = "77 (a) b (c) S 5 77 77 34821 77 4194304 1 2 3 4 150 50 0 0 20 0 1 0 123456 1 2";
        let expected =
            Stat { parent: 5, terminal: Some(5), cpu_ticks: 200, start_ticks: 123_456, resident_pages: 2 };
        assert_eq!(Stat::parse(line), Some(expected));
        assert_eq!(Stat::parse("77 (x) S 1 2"), None);
    }

    #[test]
    fn our_own_process_is_described() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let seen = describe(pid).unwrap();
        assert_eq!(seen.uid, rustix::process::geteuid().as_raw());
        assert!(seen.command.contains("engine") && seen.age_seconds < 3600, "{seen:?}");
    }
}
