//! Crates that are not let in, versions that say nothing, and crates that are there more than once.

use super::{Findings, Level, shown};
use crate::check_deps::metadata::Package;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rules {
    multiple_versions: Level,
    wildcards: Level,
    /// Whether a directory of this repository needs no version.
    allow_wildcard_paths: bool,
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

impl Rules {
    pub(super) fn check(&self, packages: &[&Package], findings: &mut Findings) {
        for package in packages {
            if let Some(banned) = self.deny.iter().find(|banned| banned.name == package.name) {
                findings.add(Level::Deny, format!("{} is not let in: {}", shown(package), banned.reason));
            }
            self.check_requirements(package, findings);
        }
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in packages {
            versions.entry(&package.name).or_default().push(&package.version);
        }
        for (name, mut versions) in versions.into_iter().filter(|(_, versions)| versions.len() > 1) {
            versions.sort_unstable();
            findings.add(self.multiple_versions, format!("{name} is there as {}", versions.join(" and ")));
        }
    }

    /// Of ours alone: what others require of each other is resolved by Cargo.lock.
    fn check_requirements(&self, package: &Package, findings: &mut Findings) {
        if package.source.is_some() {
            return;
        }
        for dependency in &package.dependencies {
            let is_path = dependency.path.is_some() && self.allow_wildcard_paths;
            if dependency.req == "*" && !is_path {
                let text = format!("{} requires {} in any version", package.name, dependency.name);
                findings.add(self.wildcards, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::package;
    use super::*;
    use serde_json::json;

    fn found(packages: &[Package]) -> Findings {
        let banned = Banned { name: "ring".into(), reason: "one library".into() };
        let rules = Rules {
            multiple_versions: Level::Warn,
            wildcards: Level::Deny,
            allow_wildcard_paths: true,
            deny: vec![banned],
        };
        let mut findings = Findings::default();
        rules.check(&packages.iter().collect::<Vec<_>>(), &mut findings);
        findings
    }

    #[test]
    fn what_is_not_let_in_is_found_with_the_reason() {
        let findings = found(&[package(&json!({"name": "ring", "version": "0.17.0"}))]);
        assert_eq!(findings.wrong, ["ring 0.17.0 is not let in: one library"]);
        assert!(found(&[package(&json!({"name": "string"}))]).wrong.is_empty());
    }

    #[test]
    fn any_version_is_for_our_own_directories() {
        let with = |dependency: serde_json::Value| {
            found(&[package(&json!({"source": null, "dependencies": [dependency]}))]).wrong.len()
        };
        assert_eq!(with(json!({"name": "a", "req": "*", "path": null})), 1);
        assert_eq!(with(json!({"name": "a", "req": "*", "path": "/a"})), 0);
        assert_eq!(with(json!({"name": "a", "req": "^1", "path": null})), 0);
    }

    #[test]
    fn two_versions_are_worth_a_note() {
        let twice = [package(&json!({"version": "1.0.0"})), package(&json!({"version": "2.0.0"}))];
        assert_eq!(found(&twice).notes, ["x is there as 1.0.0 and 2.0.0"]);
    }
}
