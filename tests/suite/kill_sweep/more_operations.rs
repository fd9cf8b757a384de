//! Operations on containers that exist, and on volumes.

use super::bench::{Bench, Operation, RENAMED, SWEPT};
use super::container_operations::{RUN, RUN_DETACHED, WITHOUT_CHILD};
use super::container_operations::{remove_leftover, require_running, start_sleeper, words};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use tests::eventually;
use tests::sampan::DEMO_IMAGE;
use tests::strace::Role;

/// `create` with what a container can have.
pub(super) const CREATE: Operation = Operation {
    name: "create",
    roles: &[Role::Program],
    command: |_| create_words(&[]),
    judge: |bench, ended| {
        let status = bench.status(SWEPT);
        assert!(matches!(status.as_deref(), None | Some("created" | "dead")), "the container is {status:?}");
        assert!(!ended.succeeded() || status.as_deref() == Some("created"));
    },
    tidy: remove_leftover,
    ..RUN
};

/// `start` of a container that never ran.
pub(super) const START: Operation = Operation {
    name: "start",
    prepare: |bench| drop(bench.run(&borrowed(&create_words(&[]))).ok()),
    command: |_| words(&["start", SWEPT]),
    tidy: |bench, ended| {
        // Whatever came of it, the next start does what it says.
        let _ = bench.run(&["start", SWEPT]).ok();
        require_running(bench);
        remove_leftover(bench, ended);
    },
    ..RUN_DETACHED
};

/// `restart`: the new monitor and what it starts.
pub(super) const RESTART: Operation = Operation {
    name: "restart",
    prepare: start_sleeper,
    command: |_| words(&["restart", "--signal", "KILL", SWEPT]),
    tidy: |bench, ended| {
        let _ = bench.run(&["restart", "--signal", "KILL", SWEPT]).ok();
        require_running(bench);
        remove_leftover(bench, ended);
    },
    ..RUN_DETACHED
};

/// A start by policy, after the container was killed by somebody else.
pub(super) const RESTART_BY_POLICY: Operation = Operation {
    name: "restart by policy",
    roles: &[Role::Monitor, Role::Child],
    monitor_runs: true,
    prepare: |bench| {
        let options = ["--restart", "always", "--name", SWEPT, "-p", "18080:80", "-v", "/data"];
        let words: Vec<&str> =
            ["run", "-d"].iter().chain(&options).chain(&[DEMO_IMAGE, "sleep", "100000"]).copied().collect();
        let _ = bench.run(&words).ok();
        bench.sampan.await_settled_monitor(SWEPT);
    },
    before: end_from_outside,
    repaired_by_next: false,
    command: |_| words(&["version"]),
    judge: |bench, _| {
        let status = bench.status(SWEPT);
        let expected = matches!(status.as_deref(), Some("running" | "restarting" | "exited"));
        assert!(expected, "the container is {status:?}");
    },
    tidy: |bench, ended| {
        if ended.role == Role::Monitor {
            // The policy applies, whoever carries it out.
            eventually("the policy has started it", || bench.status(SWEPT).as_deref() == Some("running"));
            require_running(bench);
        }
        remove_leftover(bench, ended);
    },
    ..RUN
};

/// `kill`.
pub(super) const KILL: Operation = Operation {
    name: "kill",
    roles: WITHOUT_CHILD,
    monitor_runs: true,
    prepare: start_sleeper,
    command: |_| words(&["kill", SWEPT]),
    judge: |bench, _| {
        let status = bench.status(SWEPT);
        assert!(matches!(status.as_deref(), Some("running" | "exited")), "the container is {status:?}");
    },
    tidy: |bench, ended| {
        if ended.succeeded() {
            eventually("it has ended", || bench.status(SWEPT).as_deref() == Some("exited"));
        }
        remove_leftover(bench, ended);
    },
    ..RUN
};

/// `pause`.
pub(super) const PAUSE: Operation = Operation {
    name: "pause",
    command: |_| words(&["pause", SWEPT]),
    judge: |bench, ended| {
        let status = bench.status(SWEPT);
        assert!(matches!(status.as_deref(), Some("running" | "paused")), "the container is {status:?}");
        assert!(!ended.succeeded() || status.as_deref() == Some("paused"));
    },
    tidy: |bench, ended| {
        // A monitor that was killed in between had done it, though nothing says so until the next one looks.
        if bench.run(&["unpause", SWEPT]).code() != 0 {
            assert_eq!(bench.status(SWEPT).as_deref(), Some("running"));
        }
        require_running(bench);
        remove_leftover(bench, ended);
    },
    ..KILL
};

/// `unpause`.
pub(super) const UNPAUSE: Operation = Operation {
    name: "unpause",
    prepare: |bench| {
        start_sleeper(bench);
        let _ = bench.run(&["pause", SWEPT]).ok();
    },
    command: |_| words(&["unpause", SWEPT]),
    judge: |bench, ended| {
        let status = bench.status(SWEPT);
        assert!(matches!(status.as_deref(), Some("running" | "paused")), "the container is {status:?}");
        assert!(!ended.succeeded() || status.as_deref() == Some("running"));
    },
    ..PAUSE
};

/// `rename` of a running container.
pub(super) const RENAME: Operation = Operation {
    name: "rename",
    roles: &[Role::Program],
    prepare: start_sleeper,
    command: |_| words(&["rename", SWEPT, RENAMED]),
    judge: |bench, ended| {
        let names = [bench.status(SWEPT), bench.status(RENAMED)];
        assert_eq!(names.iter().flatten().count(), 1, "it has one name: {names:?}");
        assert!(!ended.succeeded() || names[1].is_some());
    },
    tidy: |bench, ended| {
        if bench.status(RENAMED).is_some() {
            let _ = bench.run(&["rename", RENAMED, SWEPT]).ok();
        }
        require_running(bench);
        remove_leftover(bench, ended);
    },
    ..RUN
};

/// `volume create` with a name.
pub(super) const VOLUME_CREATE: Operation = Operation {
    name: "volume create",
    roles: &[Role::Program],
    command: |_| words(&["volume", "create", SWEPT]),
    judge: |bench, ended| {
        assert!(!ended.succeeded() || has_volume(bench));
    },
    tidy: |bench, _| {
        let _ = bench.run(&["volume", "create", SWEPT]).ok();
        remove_volume(bench);
    },
    ..RUN
};

/// `volume rm`.
pub(super) const VOLUME_REMOVE: Operation = Operation {
    name: "volume rm",
    prepare: |bench| {
        let _ = bench.run(&["volume", "create", SWEPT]).ok();
        let directory = bench.sampan.data_root().join("volumes").join(SWEPT).join("_data/below");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("file"), "kept until it is removed").unwrap();
    },
    command: |_| words(&["volume", "rm", SWEPT]),
    judge: |bench, ended| {
        assert!(!ended.succeeded() || !has_volume(bench));
    },
    tidy: |bench, _| {
        if has_volume(bench) {
            remove_volume(bench);
        }
    },
    ..VOLUME_CREATE
};

/// `system prune` of a container, its volume and an image, and of nothing else.
pub(super) const PRUNE: Operation = Operation {
    name: "system prune",
    roles: &[Role::Program],
    prepare: |bench| {
        super::image_operations::import_labelled(bench);
        let _ = bench.run(&borrowed(&create_words(&["--label", "swept=yes"]))).ok();
    },
    command: |_| words(&["system", "prune", "--force", "--all", "--volumes", "--filter", "label=swept=yes"]),
    judge: |bench, ended| {
        if ended.succeeded() {
            assert_eq!(bench.status(SWEPT), None);
            let _ = bench.run(&["images", "--quiet", SWEPT]).ok().prints("");
        }
    },
    tidy: |bench, ended| {
        remove_leftover(bench, ended);
        // Its volume has no name and no label: nobody's any more, once the container is gone.
        let _ = bench.run(&["volume", "prune", "--force"]).ok();
        super::image_operations::discard(bench, SWEPT);
    },
    ..RUN
};

fn create_words(options: &[&str]) -> Vec<String> {
    let first = ["create", "--name", SWEPT, "-p", "18080:80", "-v", "/data"];
    words(&[&first, options, &[DEMO_IMAGE, "sleep", "100000"]].concat())
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Kills the container's process, as the kernel's memory killer would, and waits until its monitor has started another
/// one or is gone.
fn end_from_outside(bench: &Bench) {
    let (pid, monitor) = (bench.field("{{.State.Pid}}"), bench.sampan.monitor_pid(SWEPT));
    let _ = kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL);
    eventually("it runs again, or its monitor is gone", || {
        let state = bench.field("{{.State.Status}} {{.State.Pid}}");
        let runs_again = state.starts_with("running ") && state != format!("running {pid}");
        runs_again || state.starts_with("exited") || !is_alive(monitor)
    });
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn has_volume(bench: &Bench) -> bool {
    bench.run(&["volume", "inspect", SWEPT]).code() == 0
}

fn remove_volume(bench: &Bench) {
    let _ = bench.run(&["volume", "rm", SWEPT]).ok();
    assert!(!has_volume(bench));
}
