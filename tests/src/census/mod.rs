//! What is there: processes, mounts, network objects, control groups, files.
//!
//! Two censuses are compared by their difference, which is printed; a count alone would hide a swap. Processes,
//! mounts and network objects are those of the caller's namespaces, which [`crate::isolated`] makes the test's own;
//! control groups and files are those of one instance.

pub mod cgroup;
mod files;
mod mounts;
mod network;
mod processes;

use processes::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Everything counted, one readable line each, by kind.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Census {
    processes: BTreeMap<Process, String>,
    mounts: BTreeSet<String>,
    network: BTreeSet<String>,
    control_groups: BTreeSet<String>,
    exec_files: BTreeSet<String>,
    store_files: BTreeSet<String>,
}

impl Census {
    /// Counts now, for the instance with these roots.
    #[must_use]
    pub fn take(data_root: &Path, exec_root: &Path) -> Self {
        Self {
            processes: processes::all(),
            mounts: mounts::all(),
            network: network::all(),
            control_groups: cgroup::of_instance(data_root),
            exec_files: files::below(exec_root),
            store_files: files::below(data_root),
        }
    }

    /// What belongs to containers: without images, database, and what an instance makes once and keeps (its directories,
    /// control group, default bridge and table).
    #[must_use]
    pub fn without_store(&self) -> Self {
        // Locks and sockets of the instance itself stay; they are empty files.
        let of_container = |path: &&String| path.contains("/containers/") && !path.ends_with("/containers/");
        let of_instance = |name: &&String| {
            let name = name.rsplit(['/', ' ']).next().unwrap_or_default();
            name.starts_with("sampan") || name == cgroup::MONITORS
        };
        let files = |files: &BTreeSet<String>| files.iter().filter(of_container).cloned().collect();
        let rest =
            |names: &BTreeSet<String>| names.iter().filter(|name| !of_instance(name)).cloned().collect();
        Self {
            network: rest(&self.network),
            control_groups: rest(&self.control_groups),
            store_files: files(&self.store_files),
            exec_files: files(&self.exec_files),
            ..self.clone()
        }
    }

    /// One line for each thing that is in only one of the two.
    #[must_use]
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let kinds = [
            ("mount", &self.mounts, &after.mounts),
            ("network", &self.network, &after.network),
            ("control group", &self.control_groups, &after.control_groups),
            ("exec root", &self.exec_files, &after.exec_files),
            ("data root", &self.store_files, &after.store_files),
        ];
        let rest = kinds.into_iter().flat_map(|(kind, before, after)| difference(kind, before, after));
        self.process_differences(after).chain(rest).collect()
    }

    /// One that had ended before and was not yet reaped then is no difference when it is gone.
    fn process_differences<'a>(&'a self, after: &'a Self) -> impl Iterator<Item = String> + 'a {
        let new = after.processes.iter().filter(|(process, _)| !self.processes.contains_key(process));
        let gone = self
            .processes
            .iter()
            .filter(|(process, _)| !process.ended && !after.processes.contains_key(process));
        let added = new.map(|(_, shown)| format!("+ process {shown}"));
        added.chain(gone.map(|(_, shown)| format!("- process {shown}")))
    }

    /// Whether a process has ended that nobody has reaped yet.
    #[must_use]
    pub fn has_zombies(&self) -> bool {
        self.processes.keys().any(|process| process.ended)
    }

    /// How many of each kind, for a report.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "{} processes, {} mounts, {} network objects, {} control groups, {} files",
            self.processes.len(),
            self.mounts.len(),
            self.network.len(),
            self.control_groups.len(),
            self.exec_files.len() + self.store_files.len()
        )
    }
}

fn difference(kind: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<String> {
    let added = after.difference(before).map(|name| format!("+ {kind} {name}"));
    let gone = before.difference(after).map(|name| format!("- {kind} {name}"));
    added.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_and_what_went_is_told() {
        let of = |names: &[&str]| Census {
            mounts: names.iter().map(ToString::to_string).collect(),
            ..Census::default()
        };
        assert_eq!(of(&["a", "b"]).differences(&of(&["b", "c"])), ["+ mount c", "- mount a"]);
        assert!(of(&["a"]).differences(&of(&["a"])).is_empty());
    }
}
