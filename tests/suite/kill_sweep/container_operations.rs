//! Operations on containers.

use super::bench::{Bench, Operation, SWEPT};
use super::strike::Ended;
use tests::sampan::DEMO_IMAGE;
use tests::strace::Role;

pub(super) const ALL_ROLES: &[Role] = &[Role::Program, Role::Monitor, Role::Child];
pub(super) const WITHOUT_CHILD: &[Role] = &[Role::Program, Role::Monitor];

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| String::from(*word)).collect()
}

/// `run --rm` without a network.
pub(super) const RUN: Operation = Operation {
    name: "run --rm",
    roles: ALL_ROLES,
    wants_registry: false,
    monitor_runs: false,
    prepare: |_| {},
    before: |_| {},
    // The command itself removes the container: no next one touches it.
    repaired_by_next: false,
    command: |_| words(&["run", "--rm", "--name", SWEPT, "--network", "none", DEMO_IMAGE, "echo", "ran"]),
    judge: judge_run,
    tidy: remove_leftover,
};

/// `run --rm` with a bridge, a published port and an anonymous volume.
pub(super) const RUN_BRIDGE: Operation = Operation {
    name: "run --rm -p -v",
    command: |_| {
        words(&["run", "--rm", "--name", SWEPT, "-p", "18080:80", "-v", "/data", DEMO_IMAGE, "echo", "ran"])
    },
    ..RUN
};

/// `run -d`.
pub(super) const RUN_DETACHED: Operation = Operation {
    name: "run -d",
    roles: ALL_ROLES,
    wants_registry: false,
    monitor_runs: false,
    prepare: |_| {},
    before: |_| {},
    repaired_by_next: true,
    command: |_| words(&["run", "-d", "--name", SWEPT, "-p", "18080:80", DEMO_IMAGE, "sleep", "100000"]),
    judge: |bench, ended| {
        if ended.succeeded() {
            // Acknowledged, and not on a terminal: it goes on, whoever was killed, and can be used.
            require_running(bench);
        }
    },
    tidy: |bench, ended| {
        if ended.succeeded() {
            require_running(bench);
        }
        remove_leftover(bench, ended);
    },
};

/// `run -dt`: the terminal dies with its monitor.
pub(super) const RUN_TERMINAL: Operation = Operation {
    name: "run -dt",
    command: |_| words(&["run", "-dt", "--name", SWEPT, DEMO_IMAGE, "sleep", "100000"]),
    judge: |_, _| {},
    // What has become of it is only recorded by a repair.
    repaired_by_next: false,
    tidy: |bench, ended| {
        if ended.succeeded() {
            let lost = ended.role == Role::Monitor && ended.reached;
            let expected = if lost { "exited 137 monitor-lost" } else { "running 0" };
            assert_eq!(bench.field("{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}"), expected);
        }
        remove_leftover(bench, ended);
    },
    ..RUN_DETACHED
};

/// `stop`.
pub(super) const STOP: Operation = Operation {
    name: "stop",
    roles: WITHOUT_CHILD,
    wants_registry: false,
    monitor_runs: true,
    prepare: start_sleeper,
    before: |_| {},
    repaired_by_next: true,
    command: |_| words(&["stop", "--signal", "KILL", SWEPT]),
    judge: |bench, ended| {
        let status = bench.status(SWEPT);
        assert!(matches!(status.as_deref(), Some("running" | "exited")), "the container is {status:?}");
        if ended.succeeded() {
            assert_eq!(status.as_deref(), Some("exited"));
        }
    },
    tidy: |bench, ended| {
        let _ = bench.run(&["stop", "--signal", "KILL", SWEPT]).ok();
        assert_eq!(bench.status(SWEPT).as_deref(), Some("exited"));
        remove_leftover(bench, ended);
    },
};

/// `rm -f` of a running container.
pub(super) const REMOVE: Operation = Operation {
    name: "rm -f",
    roles: WITHOUT_CHILD,
    wants_registry: false,
    monitor_runs: true,
    prepare: start_sleeper,
    before: |_| {},
    // The command itself removes the container: no next one touches it.
    repaired_by_next: false,
    command: |_| words(&["rm", "--force", "--volumes", SWEPT]),
    judge: |bench, ended| {
        let status = bench.status(SWEPT);
        if ended.succeeded() {
            assert_eq!(status, None);
            bench.require_no_process_of_swept();
        }
    },
    tidy: remove_leftover,
};

/// `exec`.
pub(super) const EXEC: Operation = Operation {
    name: "exec",
    roles: ALL_ROLES,
    wants_registry: false,
    monitor_runs: true,
    prepare: start_sleeper,
    before: |_| {},
    repaired_by_next: true,
    command: |_| words(&["exec", SWEPT, "echo", "ran"]),
    judge: |bench, ended| {
        if ended.succeeded() {
            assert_eq!(ended.outcome.stdout(), "ran\n");
        }
        require_running(bench);
    },
    tidy: |bench, ended| {
        require_running(bench);
        remove_leftover(bench, ended);
    },
};

pub(super) fn start_sleeper(bench: &Bench) {
    let words =
        ["run", "-d", "--name", SWEPT, "-p", "18080:80", "-v", "/data", DEMO_IMAGE, "sleep", "100000"];
    let _ = bench.run(&words).ok();
    // What it does only once is not what is swept.
    bench.sampan.await_settled_monitor(SWEPT);
}

/// What `run --rm` may say once one of its processes is gone.
fn judge_run(_: &Bench, ended: &Ended) {
    let (code, printed) = (ended.outcome.code(), ended.outcome.stdout());
    if code == 0 {
        assert_eq!(printed, "ran\n", "{}", ended.outcome);
    } else if ended.role != Role::Program {
        assert!(matches!(code, 125 | 137 | 255), "{}", ended.outcome);
    }
}

/// It runs, and another process can be executed in it.
pub(super) fn require_running(bench: &Bench) {
    assert_eq!(bench.status(SWEPT).as_deref(), Some("running"));
    let _ = bench.run(&["exec", SWEPT, "echo", "here"]).ok().prints("here\n");
}

pub(super) fn remove_leftover(bench: &Bench, _: &Ended) {
    if bench.status(SWEPT).is_some() {
        let _ = bench.run(&["rm", "--force", "--volumes", SWEPT]).ok();
    }
    assert_eq!(bench.status(SWEPT), None);
}
