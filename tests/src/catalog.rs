//! Checks on the suite itself: every file of it is compiled, every skip is listed and every listed skip is used.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The source files below `suite`, which are all `NAME.rs` or `NAME/mod.rs` and its children.
///
/// # Panics
/// When the directory cannot be read.
#[must_use]
pub fn files(suite: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(suite).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Files that no `mod` line of their parent names: they look like tests and are never run.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn unlisted(suite: &Path) -> Vec<PathBuf> {
    let is_root = |path: &Path| path.file_name().is_some_and(|name| name == "main.rs");
    files(suite).into_iter().filter(|path| !is_root(path) && !is_listed(path)).collect()
}

fn is_listed(path: &Path) -> bool {
    let is_mod = path.file_name().is_some_and(|name| name == "mod.rs");
    let (Some(directory), Some(stem)) = (path.parent(), path.file_stem()) else { return false };
    let (name, parents) = if is_mod {
        let above = directory.parent().unwrap_or(directory);
        (directory.file_name().unwrap_or_default(), [above.join("main.rs"), above.join("mod.rs")])
    } else {
        (stem, [directory.join("main.rs"), directory.join("mod.rs")])
    };
    let line = format!("mod {};", name.to_string_lossy());
    parents
        .iter()
        .filter_map(|parent| fs::read_to_string(parent).ok())
        .any(|text| text.lines().any(|found| found == line))
}

/// The features that the files below `suite` name in `skip!("feature")`.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn skipped_features(suite: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files(suite) {
        let text = fs::read_to_string(path).unwrap();
        for rest in text.split("skip!(\"").skip(1) {
            found.extend(rest.split_once('"').map(|(name, _)| String::from(name)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{paths, skip};

    fn suite() -> PathBuf {
        paths::repository().join("tests/suite")
    }

    #[test]
    fn every_file_of_the_suite_is_run() {
        let unlisted = unlisted(&suite());
        assert!(unlisted.is_empty(), "no `mod` line for {unlisted:?}");
    }

    #[test]
    fn every_skip_is_listed_and_every_listed_skip_is_used() {
        let listed: BTreeSet<String> = skip::listed().into_iter().map(|feature| feature.name).collect();
        assert_eq!(skipped_features(&suite()), listed);
    }

    #[test]
    fn a_file_that_nobody_lists_is_found() {
        let suite = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = suite.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("main.rs", "mod listed;\nmod nested;\n");
        write("listed.rs", "skip!(\"swap\");");
        write("nested/mod.rs", "mod child;\n");
        write("nested/child.rs", "");
        assert!(unlisted(suite.path()).is_empty());
        write("forgotten.rs", "");
        write("nested/forgotten.rs", "");
        write("dropped/mod.rs", "");
        assert_eq!(unlisted(suite.path()).len(), 3);
        assert_eq!(skipped_features(suite.path()).into_iter().collect::<Vec<_>>(), ["swap"]);
    }
}
