//! Files below a directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The path of everything below `root`, without following links; directories end with a slash.
pub(super) fn below(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(root, &mut found);
    found
}

fn walk(directory: &Path, found: &mut BTreeSet<String>) {
    // What vanishes while we look was not there.
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.insert(format!("{}/", path.display()));
            walk(&path, found);
        } else {
            found.insert(path.display().to_string());
        }
    }
}
