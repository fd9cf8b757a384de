//! Operations on images.

use super::bench::{Bench, LOADED, Operation, SWEPT, TAGGED};
use super::strike::Ended;
use tests::small_image::{self, SCRIPT, WORD};
use tests::strace::Role;

/// `import` of a root file system.
pub(super) const IMPORT: Operation = Operation {
    name: "import",
    roles: &[Role::Program],
    wants_registry: false,
    monitor_runs: false,
    prepare: |_| {},
    before: |_| {},
    repaired_by_next: false,
    command: |_| vec!["import".into(), small_image::root().display().to_string(), SWEPT.into()],
    judge: |bench, ended| judge_image(bench, ended, SWEPT),
    tidy: |bench, _| {
        discard(bench, SWEPT);
        let _ = bench.run(&["import", small_image::root().to_str().unwrap(), SWEPT]).ok();
        finish(bench, SWEPT);
    },
};

/// `load` of a `docker save` archive.
pub(super) const LOAD: Operation = Operation {
    name: "load",
    command: |_| vec!["load".into(), "--input".into(), small_image::archive().display().to_string()],
    judge: |bench, ended| judge_image(bench, ended, LOADED),
    tidy: |bench, _| {
        discard(bench, LOADED);
        let _ = bench.run(&["load", "--input", small_image::archive().to_str().unwrap()]).ok();
        finish(bench, LOADED);
    },
    ..IMPORT
};

/// `pull` from a registry.
pub(super) const PULL: Operation = Operation {
    name: "pull",
    wants_registry: true,
    command: |bench| vec!["pull".into(), bench.remote_image()],
    judge: |bench, ended| judge_image(bench, ended, &bench.remote_image()),
    tidy: |bench, _| {
        let name = bench.remote_image();
        discard(bench, &name);
        let _ = bench.run(&["pull", &name]).ok();
        finish(bench, &name);
    },
    ..IMPORT
};

/// `rmi` of an image's last name.
pub(super) const REMOVE_IMAGE: Operation = Operation {
    name: "rmi",
    prepare: import_labelled,
    command: |_| vec!["rmi".into(), SWEPT.into()],
    judge: |bench, ended| {
        let listed = bench.run(&["images", "--quiet", SWEPT]).ok().word();
        assert!(!ended.succeeded() || listed.is_empty(), "it is still there");
        if !listed.is_empty() {
            require_image(bench, SWEPT);
        }
    },
    tidy: |bench, _| discard(bench, SWEPT),
    ..IMPORT
};

/// `tag`.
pub(super) const TAG: Operation = Operation {
    name: "tag",
    prepare: import_labelled,
    command: |_| vec!["tag".into(), SWEPT.into(), TAGGED.into()],
    judge: |bench, ended| {
        require_image(bench, SWEPT);
        judge_image(bench, ended, TAGGED);
    },
    tidy: |bench, _| {
        let _ = bench.run(&["tag", SWEPT, TAGGED]).ok();
        discard(bench, TAGGED);
        finish(bench, SWEPT);
    },
    ..IMPORT
};

/// Imports the image that operations work on.
pub(super) fn import_labelled(bench: &Bench) {
    let root = small_image::root();
    let _ = bench.run(&["import", "--change", "LABEL swept=yes", root.to_str().unwrap(), SWEPT]).ok();
}

/// The image is there as a whole or not at all, and it is there when the command said so.
fn judge_image(bench: &Bench, ended: &Ended, name: &str) {
    let listed = bench.run(&["images", "--quiet", name]).ok().word();
    assert!(!ended.succeeded() || !listed.is_empty(), "{name} is lost: {}", ended.outcome);
    if !listed.is_empty() {
        require_image(bench, name);
    }
}

fn require_image(bench: &Bench, name: &str) {
    let words = ["run", "--rm", "--network", "none", name, "/bin/sh", "-c", SCRIPT];
    let _ = bench.run(&words).ok().prints(WORD);
}

/// Removes the image if it is there: another import would leave it without a name.
pub(super) fn discard(bench: &Bench, name: &str) {
    if !bench.run(&["images", "--quiet", name]).ok().word().is_empty() {
        let _ = bench.run(&["rmi", name]).ok();
    }
}

/// Once it is there again, it can be used and removed, and nothing of it stays.
fn finish(bench: &Bench, name: &str) {
    require_image(bench, name);
    let _ = bench.run(&["rmi", name]).ok();
}
