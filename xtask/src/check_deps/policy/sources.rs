//! Where crates may come from: the public registry and this repository.

use super::{Findings, Level, shown};
use crate::check_deps::metadata::Package;
use serde::Deserialize;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// The same registry over HTTP, as newer versions of cargo may name it.
const SPARSE_REGISTRY: &str = "sparse+https://index.crates.io/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rules {
    unknown_registry: Level,
    unknown_git: Level,
}

impl Rules {
    pub(super) fn check(&self, packages: &[&Package], findings: &mut Findings) {
        for package in packages {
            // Without a source it is a directory of this repository.
            let Some(source) = &package.source else { continue };
            if source.starts_with("git+") {
                findings.add(self.unknown_git, format!("{}: comes from {source}", shown(package)));
            } else if ![REGISTRY, SPARSE_REGISTRY].contains(&source.as_str()) {
                findings.add(
                    self.unknown_registry,
                    format!("{}: comes from another registry, {source}", shown(package)),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::package;
    use super::*;

    #[test]
    fn only_the_public_registry_and_this_repository_are_sources() {
        let rules = Rules { unknown_registry: Level::Deny, unknown_git: Level::Deny };
        let found = |source: serde_json::Value| {
            let mut findings = Findings::default();
            rules.check(&[&package(&serde_json::json!({ "source": source }))], &mut findings);
            findings.wrong.len()
        };
        assert_eq!(found(REGISTRY.into()) + found(SPARSE_REGISTRY.into()) + found(().into()), 0);
        assert_eq!(found("git+https://example.org/x#0".into()), 1);
        assert_eq!(found("registry+https://example.org/index".into()), 1);
    }
}
