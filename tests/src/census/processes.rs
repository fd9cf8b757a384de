//! Processes of this pid namespace, apart from this one and its parents.

use std::collections::BTreeSet;
use std::fs;

/// Number and command line of each, with `Z` between them for one that has ended and was not reaped. Threads and kernel threads are no processes; a zombie is one.
pub(super) fn all() -> BTreeSet<String> {
    let mut own = Vec::new();
    let mut pid = std::process::id();
    while pid > 0 {
        own.push(pid);
        pid = parent(pid).unwrap_or(0);
    }
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeSet::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| !own.contains(pid))
        .filter_map(described)
        .collect()
}

fn described(pid: u32) -> Option<String> {
    let state = fields_after_name(pid)?.first()?.clone();
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    // Whether it runs or sleeps at this moment is no difference; whether it has ended is.
    let ended = if state == "Z" { "Z " } else { "" };
    Some(format!("{pid} {ended}{}", line.trim_end()))
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
