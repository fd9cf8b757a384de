//! `version`, `info` and `system`.

use tests::census::cgroup;
use tests::{eventually, isolated};

#[test]
fn check_finds_nothing_wrong_with_a_fresh_instance() {
    isolated(|sampan| {
        let _ = sampan.demo(&[], &["true"]).ok();
        let _ = sampan.run(["system", "check"]).ok().is_quiet();
    });
}

#[test]
fn the_version_is_told_without_an_instance() {
    isolated(|sampan| {
        let _ = sampan.run(["--version"]).ok().shows("ampan").is_quiet();
        assert!(!sampan.data_root().exists(), "asking for the version made a data root");
    });
}

/// What an instance keeps outside of its roots while it has containers.
#[test]
fn prune_gives_back_what_would_outlive_the_data_root() {
    isolated(|sampan| {
        let _ = sampan.demo(&[], &["true"]).ok();
        assert!(!cgroup::of_instance(&sampan.data_root()).is_empty());
        // The monitor ends after the command that waited for it, and its group stays until then.
        eventually("the instance has no group", || {
            let _ = sampan.run(["system", "prune", "--force"]).ok();
            cgroup::of_instance(&sampan.data_root()).is_empty()
        });
        // Not while there is one that needs it.
        let id = sampan.run(["run", "-d", tests::sampan::DEMO_IMAGE, "sleep", "100"]).ok().word();
        let _ = sampan.run(["system", "prune", "--force"]).ok();
        assert!(cgroup::of_instance(&sampan.data_root()).iter().any(|path| path.contains(&id)));
    });
}
