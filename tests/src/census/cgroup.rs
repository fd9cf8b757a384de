//! Control groups of one instance, in every hierarchy.
//!
//! Control groups have no namespace that would make them a test's own; but each one that an instance makes carries
//! the instance's id, which lies in its data root.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long the kernel may take to end the processes of a test that is over.
const PATIENCE: Duration = Duration::from_secs(2);

/// Every group whose path holds the id of the instance with this data root, but for the one that monitors share: they
/// make it when the first of them has lived for a moment, and it stays.
#[must_use]
pub fn of_instance(data_root: &Path) -> BTreeSet<String> {
    all_of_instance(data_root).into_iter().filter(|path| !path.ends_with("/sampan-monitors")).collect()
}

/// Whether all is version 2 here, as on what most people run.
#[must_use]
pub fn is_unified() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// Every group whose path holds the id of the instance with this data root.
#[must_use]
pub fn all_of_instance(data_root: &Path) -> BTreeSet<String> {
    groups_of_instance(data_root).iter().map(|path| path.display().to_string()).collect()
}

/// Where monitors are beside systemd; it stays with the instance's own group.
pub(super) const MONITORS: &str = "monitors";

/// Removes what a test left, deepest first; returns what there was of containers: the instance's own group stays until
/// somebody removes it.
pub(crate) fn remove_of_instance(data_root: &Path) -> Vec<PathBuf> {
    let mut groups = groups_of_instance(data_root);
    groups.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    let started = Instant::now();
    for group in &groups {
        // Busy while the kernel ends what was in it.
        while fs::remove_dir(group).is_err() && group.exists() && started.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
    }
    groups.retain(|group| {
        let name = group.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        !name.starts_with("sampan-") && name != MONITORS
    });
    groups
}

fn groups_of_instance(data_root: &Path) -> Vec<PathBuf> {
    let Ok(id) = fs::read_to_string(data_root.join("instance")) else { return Vec::new() };
    let mut found = Vec::new();
    for hierarchy in hierarchies() {
        search(&hierarchy, id.trim(), &mut found);
    }
    found
}

/// The mount points of all hierarchies, version 1 and 2.
fn hierarchies() -> BTreeSet<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    table
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let is_cgroup = after.starts_with("cgroup ") || after.starts_with("cgroup2 ");
            is_cgroup.then(|| before.split(' ').nth(4).map(PathBuf::from))?
        })
        .collect()
}

fn search(directory: &Path, id: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
    {
        if path.to_string_lossy().contains(id) {
            found.push(path.clone());
        }
        search(&path, id, found);
    }
}
