//! `version`, `info` and `system`.

use tests::isolated;

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
