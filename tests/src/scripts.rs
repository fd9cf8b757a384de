//! What `scripts/bootstrap` and `scripts/peers` do where the outside world is wrong: tested offline, with a mirror that is
//! a directory.

use crate::invocation::{Invocation, Outcome};
use crate::paths;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The programs that bootstrap itself uses; everything else, cargo above all, is hidden from it.
const TOOLS: [&str; 16] = [
    "bash",
    "cc",
    "chmod",
    "curl",
    "cut",
    "dirname",
    "git",
    "grep",
    "head",
    "id",
    "mktemp",
    "rm",
    "sed",
    "sha256sum",
    "sort",
    "uname",
];

/// Runs bootstrap on a machine without cargo, with this directory as rustup's mirror.
fn bootstrap(home: &Path, mirror: &Path) -> Outcome {
    let programs = tempfile::tempdir().unwrap();
    for name in TOOLS {
        let found = ["/usr/bin", "/bin"].map(|directory| Path::new(directory).join(name));
        symlink(found.iter().find(|path| path.exists()).unwrap(), programs.path().join(name)).unwrap();
    }
    let script = paths::repository().join("scripts/bootstrap");
    let path = format!("PATH={}", programs.path().display());
    let home = format!("HOME={}", home.display());
    let mirror = format!("RUSTUP_UPDATE_ROOT=file://{}", mirror.display());
    let arguments = ["-i", &path, &home, &mirror, "bash"].map(Path::new);
    Invocation::new("env", arguments.into_iter().chain([script.as_path()])).run()
}

#[test]
fn an_installer_with_another_checksum_is_not_run() {
    let (home, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let witness = home.path().join("was-run");
    for architecture in ["x86_64", "aarch64"] {
        let place = mirror.path().join(format!("archive/1.28.2/{architecture}-unknown-linux-gnu"));
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("rustup-init"), format!("#!/bin/sh\ntouch {}\n", witness.display())).unwrap();
    }
    let _ = bootstrap(home.path(), mirror.path()).fails_with(1).says("checksum of").says("nothing was run");
    assert!(!witness.exists());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "something was installed");
}

#[test]
fn a_mirror_without_the_installer_is_named() {
    let (home, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _ = bootstrap(home.path(), mirror.path()).fails_with(1).says("cannot download file://");
}

#[test]
fn an_unknown_option_is_refused() {
    let script = paths::repository().join("scripts/bootstrap");
    let _ = Invocation::new(script, ["--everything"]).run().fails_with(1).says("--everything");
}

#[test]
fn peers_are_not_unpacked_over_something_else() {
    let script = paths::repository().join("scripts/peers");
    let home = tempfile::tempdir().unwrap();
    let _ = Invocation::new(&script, ["--everything"]).run().fails_with(1).says("--everything");
    fs::write(home.path().join("mine"), "").unwrap();
    let refused = Invocation::new(&script, [home.path()]).run();
    let _ = refused.fails_with(1).says(home.path().to_str().unwrap()).says("not empty");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    // One that is there already is only told of.
    fs::write(home.path().join("versions"), "crun 1\n").unwrap();
    let _ = Invocation::new(&script, [home.path()]).run().ok().prints("crun 1\n");
}
