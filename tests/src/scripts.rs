//! What `scripts/bootstrap` does where the outside world is wrong: tested offline, with a mirror that is a directory.

use crate::invocation::{Invocation, Outcome};
use crate::paths;
use std::fs;
use std::path::Path;

/// Runs bootstrap on a machine without cargo, with this directory as rustup's mirror.
fn bootstrap(home: &Path, mirror: &Path) -> Outcome {
    let script = paths::repository().join("scripts/bootstrap");
    let home = format!("HOME={}", home.display());
    let mirror = format!("RUSTUP_UPDATE_ROOT=file://{}", mirror.display());
    let arguments = ["-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", &home, &mirror].map(Path::new);
    Invocation::new("env", arguments.into_iter().chain([script.as_path()])).run()
}

fn is_cargo_in_the_system() -> bool {
    Path::new("/usr/bin/cargo").exists() || Path::new("/bin/cargo").exists()
}

#[test]
fn an_installer_with_another_checksum_is_not_run() {
    if is_cargo_in_the_system() {
        // Then nothing would be downloaded.
        return;
    }
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
    if is_cargo_in_the_system() {
        return;
    }
    let (home, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _ = bootstrap(home.path(), mirror.path()).fails_with(1).says("cannot download file://");
}

#[test]
fn an_unknown_option_is_refused() {
    let script = paths::repository().join("scripts/bootstrap");
    let _ = Invocation::new(script, ["--everything"]).run().fails_with(1).says("--everything");
}
