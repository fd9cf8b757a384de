//! The suite's own rules.

use std::collections::BTreeSet;
use std::path::PathBuf;
use tests::{catalog, paths, skip};

fn suite() -> PathBuf {
    paths::repository().join("tests/suite")
}

#[test]
fn every_file_of_the_suite_is_run() {
    let unlisted = catalog::unlisted(&suite());
    assert!(unlisted.is_empty(), "no `mod` line for {unlisted:?}");
}

#[test]
fn every_skip_is_listed_and_every_listed_skip_is_used() {
    let used = catalog::skipped_features(&suite());
    let listed: BTreeSet<String> = skip::listed().into_iter().map(|feature| feature.name).collect();
    assert_eq!(used, listed);
}
