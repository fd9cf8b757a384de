//! `unsafe` only in the kernel crate. The workspace's lints forbid it, and `forbid` cannot be lifted further down, so
//! the rule holds for every crate that takes those lints: what is checked is that all do.

use super::metadata::Package;
use anyhow::{Context, Result};
use std::fs;

/// The one crate with lints of its own.
const KERNEL: &str = "kernel";

pub(super) fn check(members: &[&Package]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in members.iter().filter(|package| package.name != KERNEL) {
        let path = &package.manifest_path;
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        if !takes_workspace_lints(&text) {
            findings.push(format!("{}: `[lints]` must say `workspace = true`", package.name));
        }
    }
    if let Some(package) = members.first() {
        let root = package.manifest_path.ancestors().find_map(|directory| {
            let text = fs::read_to_string(directory.join("Cargo.toml")).ok()?;
            text.contains("[workspace]").then_some(text)
        });
        if !root.is_some_and(|text| text.lines().any(|line| line.trim() == r#"unsafe_code = "forbid""#)) {
            findings.push(String::from("the workspace's lints must say `unsafe_code = \"forbid\"`"));
        }
    }
    Ok(findings)
}

/// Whether the `[lints]` table of a manifest holds `workspace = true`.
fn takes_workspace_lints(manifest: &str) -> bool {
    let mut in_lints = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_lints = line == "[lints]";
        } else if in_lints && line.replace(' ', "") == "workspace=true" {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::takes_workspace_lints;

    #[test]
    fn only_the_lints_table_counts() {
        assert!(takes_workspace_lints("[package]\nname = \"x\"\n[lints]\nworkspace = true\n"));
        assert!(!takes_workspace_lints("[lints.rust]\nunsafe_code = \"allow\"\n[x]\nworkspace = true\n"));
        assert!(!takes_workspace_lints(""));
    }
}
