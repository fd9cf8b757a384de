//! Processes as the tables of `top`.

use crate::failure::Failure;
use crate::users::user_name;
use docker_model::ContainerTopResponse;
use engine::ProcessInfo;
use jiff::{SignedDuration, Zoned};
use std::collections::HashSet;
use std::process::Command;

/// What Docker shows, which asks `ps -ef`.
const TITLES: [&str; 8] = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];

/// The table that is asked for: Docker's own without options, else what ps(1) makes of them.
pub(super) fn top(processes: &[ProcessInfo], options: &[&str]) -> Result<ContainerTopResponse, Failure> {
    let mut table = if options.is_empty() { own(processes) } else { of_ps(processes, options)? };
    let titles = if table.is_empty() { Vec::new() } else { table.remove(0) };
    Ok(ContainerTopResponse { titles, processes: table })
}

/// The table of `ps -ef`, from what the kernel tells.
fn own(processes: &[ProcessInfo]) -> Vec<Vec<String>> {
    let (now, users) = (Zoned::now(), std::fs::read_to_string("/etc/passwd").unwrap_or_default());
    let mut table = vec![TITLES.map(str::to_owned).to_vec()];
    table.extend(processes.iter().map(|process| row(process, &now, &users)));
    table
}

fn row(process: &ProcessInfo, now: &Zoned, users: &str) -> Vec<String> {
    let age = i64::try_from(process.age_seconds).unwrap_or(i64::MAX);
    let started = now.checked_sub(SignedDuration::from_secs(age)).unwrap_or_else(|_| now.clone());
    let today = started.date() == now.date();
    let busy = (process.cpu_seconds * 100).checked_div(process.age_seconds).unwrap_or(0).min(99);
    let (seconds, minutes, hours) =
        (process.cpu_seconds % 60, process.cpu_seconds / 60 % 60, process.cpu_seconds / 3600);
    vec![
        user_name(process.uid, users),
        process.pid.to_string(),
        process.parent.to_string(),
        busy.to_string(),
        started.strftime(if today { "%H:%M" } else { "%b%d" }).to_string(),
        process.terminal.map_or_else(|| "?".to_owned(), |number| format!("pts/{number}")),
        format!("{hours:02}:{minutes:02}:{seconds:02}"),
        process.command.clone(),
    ]
}

/// The lines of the host's ps(1) that are about these processes, as Docker chooses them.
fn of_ps(processes: &[ProcessInfo], options: &[&str]) -> Result<Vec<Vec<String>>, Failure> {
    let output = Command::new("ps")
        .args(options)
        .output()
        .map_err(|error| Failure::new(format!("cannot run ps {}: {error}", options.join(" "))))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        let first = told.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed");
        return Err(Failure::new(format!("ps {}: {}", options.join(" "), first.trim())));
    }
    let pids: HashSet<String> = processes.iter().map(|process| process.pid.to_string()).collect();
    chosen(&String::from_utf8_lossy(&output.stdout), &pids).ok_or_else(|| {
        Failure::new(format!("ps {} shows no PID: add it, as in -o pid,args", options.join(" ")))
    })
}

/// The titles and the lines whose PID is one of these; `None` when there is no such title.
fn chosen(text: &str, pids: &HashSet<String>) -> Option<Vec<Vec<String>>> {
    let mut lines = text.lines();
    let titles: Vec<String> = lines.next()?.split_whitespace().map(str::to_owned).collect();
    let at = titles.iter().position(|title| title == "PID")?;
    let count = titles.len();
    let mut table = vec![titles];
    table.extend(
        lines.map(|line| cells(line, count)).filter(|row| row.get(at).is_some_and(|pid| pids.contains(pid))),
    );
    Some(table)
}

/// So many cells; the last one has blanks in it.
fn cells(line: &str, count: usize) -> Vec<String> {
    let mut rest = line.trim_start();
    let mut found = Vec::new();
    while found.len() + 1 < count {
        let Some((cell, after)) = rest.split_once(char::is_whitespace) else { break };
        found.push(cell.to_owned());
        rest = after.trim_start();
    }
    found.push(rest.trim_end().to_owned());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_columns() {
        let process = ProcessInfo {
            pid: 345,
            parent: 325,
            uid: 0,
            cpu_seconds: 3725,
            cpu_ms: 3_725_000,
            resident: 4096,
            age_seconds: 7450,
            terminal: Some(3),
            command: "sleep 1000".into(),
        };
        let now = jiff::civil::date(2026, 1, 1).at(12, 5, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        let row = row(&process, &now, "root:x:0:0:root:/root:/bin/sh\n");
        assert_eq!(row, ["root", "345", "325", "50", "10:00", "pts/3", "01:02:05", "sleep 1000"]);
        assert_eq!(user_name(7, "root:x:0:0::/:\n"), "7");
    }

    #[test]
    fn lines_of_ps_are_chosen_by_pid() {
        let pids = HashSet::from(["12".to_owned()]);
        let table = chosen("  PID COMMAND\n    1 init\n   12 sleep 1000 x\n", &pids).unwrap();
        assert_eq!(table, [vec!["PID", "COMMAND"], vec!["12", "sleep 1000 x"]]);
        assert!(chosen("COMMAND\nx\n", &pids).is_none());
    }
}
