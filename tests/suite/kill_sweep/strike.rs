//! One operation with a kill at one point, or with none, to be recorded.

use super::bench::{Bench, Operation, SWEPT};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tests::strace::{self, Point, Role, STRACE, points, stopped, unjudged};
use tests::{Invocation, Outcome};

/// How long strace may take to begin and to let go.
const STRACE_LIMIT: Duration = Duration::from_secs(10);
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// How an operation with a kill in it ended.
pub(super) struct Ended {
    pub(super) role: Role,
    /// Whether the point was reached: operations vary a little.
    pub(super) reached: bool,
    /// Of the command.
    pub(super) outcome: Outcome,
}

impl Ended {
    /// Whether the command said that all went well.
    pub(super) fn succeeded(&self) -> bool {
        self.outcome.code() == 0
    }
}

/// The points of `operation` for one role.
pub(super) fn record(bench: &Bench, operation: &Operation, role: Role) -> Vec<Point> {
    let (outcome, traces) = trace(bench, operation, role, None);
    let _ = outcome.ok();
    let mut found: Vec<Point> = Vec::new();
    let monitor = |pid: u32| (role == Role::Child).then_some(pid);
    for (_, text) in &traces {
        let unjudged = unjudged(text);
        assert!(unjudged.is_empty(), "neither MUTATING nor HARMLESS (tests/src/strace): {unjudged:?}");
    }
    for point in traces.iter().flat_map(|(pid, text)| points(text, monitor(*pid))) {
        if !found.contains(&point) {
            found.push(point);
        }
    }
    found
}

/// The operation with a kill at `point`.
pub(super) fn strike(bench: &Bench, operation: &Operation, role: Role, point: &Point) -> Ended {
    let (outcome, traces) = trace(bench, operation, role, Some(point));
    let reached = traces.iter().any(|(_, text)| text.contains("+++ killed by SIGKILL"));
    Ended { role, reached, outcome }
}

/// Traces with the number of the process that strace was put on; 0 where nobody asks for it.
type Traces = Vec<(u32, String)>;

fn trace(bench: &Bench, operation: &Operation, role: Role, point: Option<&Point>) -> (Outcome, Traces) {
    let command = (operation.command)(bench);
    let act = || {
        (operation.before)(bench);
        bench.sampan.run(&command)
    };
    match role {
        Role::Program => trace_program(bench, &command, point),
        Role::Monitor | Role::Child if operation.monitor_runs => {
            trace_running_monitor(bench, act, role, point)
        }
        Role::Monitor | Role::Child => trace_new_monitor(bench, act, role, point),
    }
}

fn trace_program(bench: &Bench, command: &[String], point: Option<&Point>) -> (Outcome, Traces) {
    let log = log_path(bench);
    let mut words = strace::arguments(Role::Program, point);
    words.extend(["-o".into(), log.display().to_string(), "--".into()]);
    words.push(bench.sampan.program().display().to_string());
    words.extend_from_slice(command);
    let outcome = bench.sampan.settled(Invocation::new(STRACE, words)).run();
    (outcome, vec![(0, take_log(log))])
}

fn trace_new_monitor(
    bench: &Bench,
    act: impl FnOnce() -> Outcome,
    role: Role,
    point: Option<&Point>,
) -> (Outcome, Traces) {
    bench.installation.trace_monitors(role, point);
    // It goes on until strace is gone: a monitor may stop at the very end.
    let traces = || bench.installation.traces();
    let outcome = with_executioner(role, traces, || {
        let outcome = act();
        bench.installation.leave_monitors_alone();
        let_go();
        outcome
    });
    (outcome, bench.installation.traces())
}

fn trace_running_monitor(
    bench: &Bench,
    act: impl FnOnce() -> Outcome,
    role: Role,
    point: Option<&Point>,
) -> (Outcome, Traces) {
    let log = log_path(bench);
    let pid = bench.sampan.monitor_pid(SWEPT);
    let mut words = strace::arguments(role, point);
    words.extend(["-o".into(), log.display().to_string(), "-p".into(), pid.to_string()]);
    let strace = Invocation::new(STRACE, words).start();
    wait_until("strace has attached", || strace::is_traced(pid));
    let read = || vec![(pid, fs::read_to_string(&log).unwrap_or_default())];
    let outcome = with_executioner(role, read, || {
        let outcome = act();
        // It has ended already when the monitor has.
        let _ = kill_process(strace.pid(), Signal::TERM);
        let _ = strace.wait();
        outcome
    });
    (outcome, vec![(pid, take_log(log))])
}

/// Runs `act`; meanwhile stopped children are killed and stopped monitors are sent on their way.
fn with_executioner<T>(role: Role, traces: impl Fn() -> Traces + Sync, act: impl FnOnce() -> T) -> T {
    if role != Role::Child {
        return act();
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut handled = HashSet::new();
            while !done.load(Ordering::Relaxed) {
                for (monitor, text) in traces() {
                    for pid in stopped(&text).into_iter().filter(|pid| handled.insert(*pid)) {
                        send(pid, if pid == monitor { Signal::CONT } else { Signal::KILL });
                    }
                }
                thread::sleep(LOOK_INTERVAL);
            }
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Ends every strace of this pid namespace, which is the test's own.
fn let_go() {
    let straces = || {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "strace")
                && fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| !words.is_empty())
        })
        .collect::<Vec<_>>()
    };
    for pid in straces() {
        send(pid, Signal::TERM);
    }
    wait_until("strace has let go", || straces().is_empty());
}

fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // It may just have ended.
    let _ = kill_process(pid, signal);
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < STRACE_LIMIT, "{what}: not within {STRACE_LIMIT:?}");
        thread::sleep(LOOK_INTERVAL);
    }
}

fn log_path(bench: &Bench) -> PathBuf {
    bench.sampan.directory().join("strace.log")
}

fn take_log(path: PathBuf) -> String {
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    text
}
