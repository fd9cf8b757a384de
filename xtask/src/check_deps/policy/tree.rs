//! Which crates are really built. `cargo metadata` resolves for Cargo.lock and also names what a feature would bring that
//! nobody switched on; `cargo tree` resolves as a build does.

use crate::workspace::{Workspace, output};
use anyhow::{Context, Result};
use std::collections::BTreeSet;

/// `name version` of every crate that a build, a test or a build script needs on one of the platforms.
pub(super) fn of(
    workspace: &Workspace,
    platforms: &[String],
    all_features: bool,
) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for platform in platforms {
        let mut cargo = workspace.cargo();
        cargo.args(["tree", "--workspace", "--edges", "normal,build,dev", "--prefix", "none"]);
        cargo.args(["--format", "{p}", "--target", platform]);
        if all_features {
            cargo.arg("--all-features");
        }
        let text = String::from_utf8(output(&mut cargo)?).context("cargo tree prints an unknown form")?;
        for line in text.lines().filter(|line| !line.is_empty()) {
            all.insert(
                crate_of(line).with_context(|| format!("cargo tree prints an unknown line {line:?}"))?,
            );
        }
    }
    Ok(all)
}

/// From `name v1.2.3 (/where)`, with marks after it.
fn crate_of(line: &str) -> Option<String> {
    let mut words = line.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    Some(format!("{name} {}", version.strip_prefix('v')?))
}

#[cfg(test)]
mod tests {
    use super::crate_of;

    #[test]
    fn lines_are_understood() {
        assert_eq!(crate_of("ids v0.1.0 (/home/x/crates/ids) (*)").as_deref(), Some("ids 0.1.0"));
        assert_eq!(crate_of("serde_derive v1.0.2 (proc-macro)").as_deref(), Some("serde_derive 1.0.2"));
        assert_eq!(crate_of("ids"), None);
    }
}
