//! Processes of this pid namespace, apart from this one and its parents.

use std::collections::BTreeMap;
use std::fs;

/// What makes a process the same one: its number, when it started (clock ticks since boot) and whether it has ended
/// and waits to be reaped. What it executes is no part: a shell that becomes its last command is still that process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Process {
    pid: u32,
    start: u64,
    pub(super) ended: bool,
}

/// Each with what it executed when it was seen, to show. Threads and kernel threads are no processes; a zombie is one.
pub(super) fn all() -> BTreeMap<Process, String> {
    let mut own = Vec::new();
    let mut pid = std::process::id();
    while pid > 0 {
        own.push(pid);
        pid = parent(pid).unwrap_or(0);
    }
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| !own.contains(pid))
        .filter_map(described)
        .collect()
}

fn described(pid: u32) -> Option<(Process, String)> {
    let fields = fields_after_name(pid)?;
    let ended = fields.first()? == "Z";
    // proc_pid_stat(5): (22) starttime; the fields here begin with (3) state.
    let start = fields.get(22 - 3)?.parse().ok()?;
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    let shown = format!("{pid} {}{}", if ended { "Z " } else { "" }, line.trim_end());
    Some((Process { pid, start, ended }, shown))
}

fn parent(pid: u32) -> Option<u32> {
    fields_after_name(pid)?.get(1)?.parse().ok()
}

/// The fields of `/proc/PID/stat` after the name, which may itself hold spaces and parentheses.
fn fields_after_name(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(String::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_executes_something_else_is_the_same() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "read line; exec sleep 100"])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id();
        let of_child = |processes: BTreeMap<Process, String>| {
            processes.into_iter().find(|(process, _)| process.pid == pid).unwrap()
        };
        let before = of_child(all());
        drop(child.stdin.take());
        let after = loop {
            let now = of_child(all());
            if now.1 != before.1 {
                break now;
            }
            std::thread::yield_now();
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(before.0, after.0);
        assert!(after.1.ends_with("sleep 100"), "{}", after.1);
    }
}
