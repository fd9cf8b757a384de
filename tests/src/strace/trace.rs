//! What strace(1) writes, as far as it concerns us.

use super::{HARMLESS, MUTATING};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A moment in a process: just when it makes a system call for the `number`th time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The system call's name.
    pub call: String,
    /// Counted from one, among all calls with this name.
    pub number: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.call, self.number)
    }
}

/// The points of a trace in their order, without those of the process `except`, and of its children only until they
/// execute something. Processes count for themselves; a point that two of them have is listed once.
#[must_use]
pub fn points(trace: &str, except: Option<u32>) -> Vec<Point> {
    let mut counts: BTreeMap<(Option<u32>, &str), usize> = BTreeMap::new();
    let (mut seen, mut found, mut gone) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for (pid, text) in trace.lines().map(split_pid) {
        let Some((call, arguments)) = begun(text) else { continue };
        if call == "execve" {
            gone.insert(pid);
            continue;
        }
        let number = counts.entry((pid, call)).or_default();
        *number += 1;
        let of_role = except.is_none() || (pid != except && !gone.contains(&pid));
        if of_role && is_listed(MUTATING, call) && changes(call, arguments) && seen.insert((call, *number)) {
            found.push(Point { call: call.to_owned(), number: *number });
        }
    }
    found
}

/// Calls of a trace that are in neither list, so that nobody knows whether a kill there is to be tried. What processes do
/// after they executed something of the user's is theirs.
#[must_use]
pub fn unjudged(trace: &str) -> BTreeSet<String> {
    let calls = trace.lines().filter_map(|line| begun(split_pid(line).1)).map(|(call, _)| call);
    calls.filter(|call| !is_listed(MUTATING, call) && !is_listed(HARMLESS, call)).map(String::from).collect()
}

fn is_listed(list: &str, call: &str) -> bool {
    list.split(',').any(|listed| listed.trim_start_matches('?') == call)
}

/// Numbers of the processes that stopped, in order.
#[must_use]
pub fn stopped(trace: &str) -> Vec<u32> {
    trace
        .lines()
        .map(split_pid)
        .filter(|(_, text)| text.starts_with("--- stopped by SIGSTOP"))
        .filter_map(|(pid, _)| pid)
        .collect()
}

/// strace writes the process first when it follows several.
fn split_pid(line: &str) -> (Option<u32>, &str) {
    match line.split_once(' ') {
        Some((word, rest)) => match word.parse() {
            Ok(pid) => (Some(pid), rest.trim_start()),
            Err(_) => (None, line),
        },
        None => (None, line),
    }
}

/// The call that begins on this line, and the rest of the line.
fn begun(text: &str) -> Option<(&str, &str)> {
    let (call, arguments) = text.split_once('(')?;
    let is_name = call.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    (is_name && !call.is_empty()).then_some((call, arguments))
}

/// Calls that only sometimes change something, told by their arguments.
fn changes(call: &str, arguments: &str) -> bool {
    match call {
        // Opening for writing alone changes nothing.
        "open" | "openat" | "openat2" => arguments.contains("O_CREAT") || arguments.contains("O_TRUNC"),
        // Interfaces, shared extents and terminals; the rest is about the process' own descriptors.
        "ioctl" => ["SIOCS", "FICLONE", "TIOCSCTTY", "TIOCSPTLCK"].iter().any(|one| arguments.contains(one)),
        // Instructions that load and attach.
        "bpf" => arguments.contains("BPF_PROG_"),
        // Locks; the rest is about the process' own descriptors.
        "fcntl" => arguments.contains("SETLK"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(trace: &str, except: Option<u32>) -> Vec<String> {
        points(trace, except).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_what_changes_is_a_point_but_every_call_counts() {
        let trace = "openat(AT_FDCWD, \"/a\", O_RDONLY) = 3\n\
            openat(AT_FDCWD, \"/b\", O_WRONLY|O_CREAT, 0600) = 4\n\
            fcntl(4, F_GETFD) = 0\n\
            fcntl(4, F_OFD_SETLK, {l_type=F_WRLCK}) = 0\n\
            mkdir(\"/c\", 0700) = 0\n\
            --- SIGCHLD {si_signo=SIGCHLD} ---\n\
            +++ exited with 0 +++\n";
        assert_eq!(shown(trace, None), ["openat 2", "fcntl 2", "mkdir 1"]);
    }

    #[test]
    fn processes_count_for_themselves() {
        let trace = "10 mkdir(\"/a\", 0700) = 0\n\
            10 clone3({flags=0}, 88 <unfinished ...>\n\
            11 mkdir(\"/b\", 0700 <unfinished ...>\n\
            10 <... clone3 resumed>) = 11\n\
            11 <... mkdir resumed>) = 0\n\
            11 mkdir(\"/c\", 0700) = 0\n\
            11 execve(\"/bin/user\", [\"user\"], NULL) = 0\n\
            11 rmdir(\"/of-the-user\") = 0\n";
        assert_eq!(shown(trace, None), ["mkdir 1", "clone3 1", "mkdir 2", "rmdir 1"]);
        assert_eq!(shown(trace, Some(10)), ["mkdir 1", "mkdir 2"]);
    }

    #[test]
    fn calls_that_nobody_knows_are_told() {
        let trace = "10 mkdir(\"/a\", 0700) = 0\n10 getpid() = 10\n11 frobnicate(1 <unfinished ...>\n";
        assert_eq!(unjudged(trace).into_iter().collect::<Vec<_>>(), ["frobnicate"]);
        assert_eq!(shown(trace, None), ["mkdir 1"]);
    }

    #[test]
    fn who_stopped_is_told() {
        let trace = "10 mkdir(\"/a\", 0700) = 0\n11 --- SIGSTOP {si_signo=SIGSTOP} ---\n11 --- stopped by SIGSTOP ---\n";
        assert_eq!(stopped(trace), [11]);
    }
}
