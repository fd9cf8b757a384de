//! Operations on images.

use super::bench::{Bench, Operation, SWEPT};
use super::strike::Ended;
use tests::fixture;
use tests::strace::Role;

/// `import` of a root file system.
pub(super) const IMPORT: Operation = Operation {
    name: "import",
    roles: &[Role::Program],
    monitor_runs: false,
    prepare: |_| {},
    command: || vec!["import".into(), fixture::busybox_root().display().to_string(), SWEPT.into()],
    judge: |bench, ended| judge_image(bench, ended, SWEPT),
    tidy: |bench, _| {
        let _ = bench.run(&["import", fixture::busybox_root().to_str().unwrap(), SWEPT]).ok();
        finish(bench, SWEPT);
    },
};

/// `load` of a `docker save` archive.
pub(super) const LOAD: Operation = Operation {
    name: "load",
    command: || vec!["load".into(), "--input".into(), fixture::busybox_archive().display().to_string()],
    judge: |bench, ended| judge_image(bench, ended, "busybox"),
    tidy: |bench, _| {
        let _ = bench.run(&["load", "--input", fixture::busybox_archive().to_str().unwrap()]).ok();
        finish(bench, "busybox");
    },
    ..IMPORT
};

/// The image is there as a whole or not at all, and it is there when the command said so.
fn judge_image(bench: &Bench, ended: &Ended, name: &str) {
    let listed = bench.run(&["images", "--quiet", name]).ok().word();
    assert!(!ended.succeeded() || !listed.is_empty(), "{name} is lost: {}", ended.outcome);
    if !listed.is_empty() {
        require_image(bench, name);
    }
}

fn require_image(bench: &Bench, name: &str) {
    let words = ["run", "--rm", "--network", "none", name, "/bin/sh", "-c", "ls /bin | wc -l"];
    let count: usize = bench.run(&words).ok().word().parse().unwrap();
    assert!(count > 100, "{name} holds {count} programs");
}

/// Once it is there again, it can be used and removed, and nothing of it stays.
fn finish(bench: &Bench, name: &str) {
    require_image(bench, name);
    let _ = bench.run(&["rmi", name]).ok();
}
