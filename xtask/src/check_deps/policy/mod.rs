//! `deny.toml`, carried out: licences, crates that are not let in, and where crates come from.
//!
//! cargo-deny reads the same file; here it is enforced on every machine, from what cargo itself says. Every key that
//! the file has is either carried out or refused, so none is there for show. Advisories are the exception: they need
//! cargo-deny and its database.

mod bans;
mod licenses;
mod sources;
mod tree;

use super::metadata::{Metadata, Package};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;

/// `deny.toml`, in the words of cargo-deny's book.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Policy {
    graph: Graph,
    licenses: licenses::Rules,
    bans: bans::Rules,
    sources: sources::Rules,
    /// Of the crates' database, which is not here.
    #[serde(rename = "advisories")]
    _advisories: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Graph {
    /// Platforms whose dependencies count.
    targets: Vec<String>,
    /// Whether features that nobody asked for count.
    all_features: bool,
}

/// What a rule does when it is broken.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Deny,
    Warn,
    Allow,
}

/// What is wrong, and what is only worth knowing.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) wrong: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Findings {
    fn add(&mut self, level: Level, text: String) {
        match level {
            Level::Deny => self.wrong.push(text),
            Level::Warn => self.notes.push(text),
            Level::Allow => {}
        }
    }
}

/// Holds every crate of the workspace's tree against the file.
///
/// # Errors
/// When the file cannot be read or has a key that is not carried out here.
pub(super) fn check(workspace: &Workspace, metadata: &Metadata) -> Result<Findings> {
    let path = workspace.root.join("deny.toml");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let policy: Policy = basic_toml::from_slice(&text).context("cannot make sense of deny.toml")?;
    let built = tree::of(workspace, &policy.graph.targets, policy.graph.all_features)?;
    let packages: Vec<&Package> =
        metadata.packages.iter().filter(|package| built.contains(&shown(package))).collect();
    if packages.len() != built.len() {
        bail!("cargo tree and cargo metadata do not agree: {} and {} crates", built.len(), packages.len());
    }
    let mut findings = Findings::default();
    policy.licenses.check(&packages, &mut findings);
    policy.bans.check(&packages, &mut findings);
    policy.sources.check(&packages, &mut findings);
    findings.wrong.sort();
    findings.notes.sort();
    Ok(findings)
}

/// `name version`, as people search for it.
fn shown(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package of the registry, changed by the given fields.
    pub(super) fn package(changes: &serde_json::Value) -> Package {
        let mut value = serde_json::json!({
            "id": "x", "name": "x", "version": "1.0.0", "manifest_path": "/m", "license": "MIT",
            "source": "registry+https://github.com/rust-lang/crates.io-index", "publish": null,
            "dependencies": [],
        });
        for (key, change) in changes.as_object().unwrap() {
            value[key] = change.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_key_that_is_not_carried_out_is_refused() {
        let whole = include_str!("../../../../deny.toml");
        assert!(basic_toml::from_str::<Policy>(whole).is_ok());
        let more = whole.replace("[bans]", "[bans]\nhighlight = \"all\"");
        let error = basic_toml::from_str::<Policy>(&more).err().unwrap().to_string();
        assert!(error.contains("highlight"), "{error}");
    }
}
