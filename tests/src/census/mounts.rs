//! Mounts of this mount namespace.

use std::collections::BTreeSet;
use std::fs;

/// Mount point, type and source of each; its number tells two mounts on one place apart.
pub(super) fn all() -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    table.lines().filter_map(described).collect()
}

fn described(line: &str) -> Option<String> {
    let (before, after) = line.split_once(" - ")?;
    let before: Vec<&str> = before.split(' ').collect();
    let after: Vec<&str> = after.split(' ').collect();
    Some(format!("{} ({}, {}, number {})", before.get(4)?, after.first()?, after.get(1)?, before.first()?))
}
