//! Operations on networks.

use super::bench::{Bench, Operation, SWEPT};
use super::container_operations::{WITHOUT_CHILD, remove_leftover, words};
use tests::sampan::DEMO_IMAGE;
use tests::strace::Role;

/// A network that is there during the operation.
const NET: &str = "sweptnet";

const PROGRAM: &[Role] = &[Role::Program];

/// Whether there is a network of that name.
fn exists(bench: &Bench, name: &str) -> bool {
    let listed = bench.run(&["network", "ls", "--format", "{{.Name}}"]).ok().stdout();
    listed.lines().any(|line| line == name)
}

fn make(bench: &Bench) {
    if !exists(bench, NET) {
        let _ = bench.run(&["network", "create", NET]).ok();
    }
}

fn remove(bench: &Bench, name: &str) {
    let _ = bench.run(&["network", "rm", "--force", name]).ok();
    assert!(!exists(bench, name));
}

/// `network create`.
pub(super) const CREATE: Operation = Operation {
    name: "network create",
    roles: PROGRAM,
    wants_registry: false,
    monitor_runs: false,
    prepare: |_| {},
    before: |_| {},
    command: |_| words(&["network", "create", SWEPT]),
    judge: |bench, ended| {
        if ended.succeeded() {
            let _ = bench.run(&["network", "inspect", SWEPT]).ok();
        }
        if exists(bench, SWEPT) {
            // Recorded is usable, whether its bridge was made or not.
            let words = ["run", "--rm", "--network", SWEPT, DEMO_IMAGE, "echo", "on it"];
            let _ = bench.run(&words).ok().prints("on it\n");
        }
    },
    repaired_by_next: false,
    tidy: |bench, _| remove(bench, SWEPT),
};

/// `network rm`.
pub(super) const REMOVE: Operation = Operation {
    name: "network rm",
    prepare: make,
    command: |_| words(&["network", "rm", NET]),
    judge: |bench, ended| assert!(!ended.succeeded() || !exists(bench, NET)),
    tidy: |bench, _| remove(bench, NET),
    ..CREATE
};

/// `run --rm` on a network of one's own.
pub(super) const RUN: Operation = Operation {
    name: "run --rm --network",
    roles: WITHOUT_CHILD,
    wants_registry: false,
    monitor_runs: false,
    prepare: make,
    before: |_| {},
    command: |_| words(&["run", "--rm", "--name", SWEPT, "--network", NET, DEMO_IMAGE, "echo", "ran"]),
    judge: |_, _| {},
    repaired_by_next: false,
    tidy: |bench, ended| {
        remove_leftover(bench, ended);
        remove(bench, NET);
    },
};

/// `network connect` of a running container.
pub(super) const CONNECT: Operation = Operation {
    name: "network connect",
    monitor_runs: true,
    prepare: |bench| {
        make(bench);
        let words = ["run", "-d", "--name", SWEPT, DEMO_IMAGE, "sleep", "100000"];
        let _ = bench.run(&words).ok();
    },
    command: |_| words(&["network", "connect", NET, SWEPT]),
    judge: |bench, ended| {
        assert_eq!(bench.status(SWEPT).as_deref(), Some("running"));
        if ended.succeeded() {
            assert!(is_connected(bench));
        }
    },
    tidy: |bench, ended| {
        // After the repair, what is said to be is.
        if is_connected(bench) {
            let _ = bench.run(&["network", "disconnect", NET, SWEPT]).ok();
        }
        let _ = bench.run(&["network", "connect", NET, SWEPT]).ok();
        assert!(is_connected(bench));
        remove_leftover(bench, ended);
        remove(bench, NET);
    },
    ..RUN
};

/// `network disconnect` of a running container.
pub(super) const DISCONNECT: Operation = Operation {
    name: "network disconnect",
    prepare: |bench| {
        (CONNECT.prepare)(bench);
        let _ = bench.run(&["network", "connect", NET, SWEPT]).ok();
    },
    command: |_| words(&["network", "disconnect", NET, SWEPT]),
    judge: |bench, ended| {
        assert_eq!(bench.status(SWEPT).as_deref(), Some("running"));
        assert!(!ended.succeeded() || !is_connected(bench));
    },
    ..CONNECT
};

fn is_connected(bench: &Bench) -> bool {
    bench.field("{{json .NetworkSettings.Networks}}").contains(&format!("\"{NET}\":"))
}
