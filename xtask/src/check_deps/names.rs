//! File names that say nothing attract code that belongs somewhere; they are refused.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Refused as the stem of a file and as a directory.
const REFUSED: [&str; 5] = ["utils", "helpers", "common", "misc", "inner"];

/// Where the project's own source is.
const SOURCES: [&str; 5] = ["crates", "xtask", "tests", "scripts", "fuzz"];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for directory in SOURCES.iter().map(|name| root.join(name)).filter(|path| path.is_dir()) {
        walk(root, &directory, &mut findings)?;
    }
    findings.sort();
    Ok(findings)
}

fn walk(root: &Path, directory: &Path, findings: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if is_refused(&path) {
            let shown = path.strip_prefix(root).unwrap_or(&path);
            findings.push(format!("{}: name the file after what it holds", shown.display()));
        }
        if entry.file_type()?.is_dir() && entry.file_name() != "target" {
            walk(root, &path, findings)?;
        }
    }
    Ok(())
}

fn is_refused(path: &Path) -> bool {
    path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| {
        REFUSED.iter().any(|refused| stem == *refused || refused.strip_suffix('s') == Some(stem))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_nothing_is_refused_in_both_numbers() {
        for name in ["a/utils.rs", "a/util.rs", "helper", "common", "x/misc.sh", "inner.rs"] {
            assert!(is_refused(Path::new(name)), "{name}");
        }
        for name in ["a/commonality.rs", "innermost.rs", "mod.rs"] {
            assert!(!is_refused(Path::new(name)), "{name}");
        }
    }
}
