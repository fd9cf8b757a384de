//! Under which licences crates may be used: SPDX expressions (spdx.github.io/spdx-spec, annex "License expressions").

use super::{Findings, Level, shown};
use crate::check_deps::metadata::Package;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rules {
    allow: BTreeSet<String>,
    private: Private,
    /// Of cargo-deny's reading of licence texts; here a crate says its licence or is refused.
    #[serde(rename = "confidence-threshold")]
    _confidence_threshold: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Private {
    /// Whether crates that are published nowhere are left out.
    ignore: bool,
}

impl Rules {
    pub(super) fn check(&self, packages: &[&Package], findings: &mut Findings) {
        for package in packages.iter().filter(|package| !(self.private.ignore && package.is_private())) {
            let Some(expression) = &package.license else {
                findings.add(Level::Deny, format!("{}: says no licence", shown(package)));
                continue;
            };
            match satisfied(expression, &self.allow) {
                Some(true) => {}
                Some(false) => {
                    let text = format!("{}: {expression} is not among the licences", shown(package));
                    findings.add(Level::Deny, text);
                }
                None => {
                    let text = format!("{}: {expression:?} is no licence expression", shown(package));
                    findings.add(Level::Deny, text);
                }
            }
        }
    }
}

/// Whether the allowed licences satisfy an expression; `None` when it is malformed. The slash of old manifests is an OR.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_ascii_whitespace().peekable();
    let outcome = either(&mut words, allowed)?;
    words.next().is_none().then_some(outcome)
}

type Words<'a> = std::iter::Peekable<std::str::SplitAsciiWhitespace<'a>>;

fn either(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Option<bool> {
    let mut outcome = both(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        outcome |= both(words, allowed)?;
    }
    Some(outcome)
}

fn both(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Option<bool> {
    let mut outcome = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        outcome &= one(words, allowed)?;
    }
    Some(outcome)
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Option<bool> {
    let first = words.next()?;
    if first == "(" {
        let outcome = either(words, allowed)?;
        return (words.next()? == ")").then_some(outcome);
    }
    if [")", "OR", "AND", "WITH"].contains(&first) {
        return None;
    }
    if words.next_if_eq(&"WITH").is_none() {
        return Some(allowed.contains(first));
    }
    let exception = words.next()?;
    Some(allowed.contains(&format!("{first} WITH {exception}")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::package;
    use super::*;
    use serde_json::json;

    fn allowed() -> BTreeSet<String> {
        ["MIT", "ISC", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(String::from).into()
    }

    #[test]
    fn expressions_are_understood() {
        for (expression, outcome) in [
            ("MIT", Some(true)),
            ("GPL-3.0-only", Some(false)),
            ("GPL-3.0-only OR MIT", Some(true)),
            ("GPL-3.0-only/MIT", Some(true)),
            ("GPL-3.0-only AND MIT", Some(false)),
            ("MIT OR GPL-3.0-only AND Unknown", Some(true)),
            ("(MIT OR GPL-3.0-only) AND Unknown", Some(false)),
            ("(MIT OR GPL-3.0-only) AND (ISC)", Some(true)),
            ("Apache-2.0 WITH LLVM-exception OR Unknown", Some(true)),
            ("Apache-2.0 WITH Other-exception", Some(false)),
            ("MIT ISC", None),
            ("MIT OR", None),
            ("(MIT", None),
            ("", None),
        ] {
            assert_eq!(satisfied(expression, &allowed()), outcome, "{expression:?}");
        }
    }

    #[test]
    fn a_crate_without_a_licence_is_found_unless_it_is_ours() {
        let rules = Rules { allow: allowed(), private: Private { ignore: true }, _confidence_threshold: 0.9 };
        let found = |changes: serde_json::Value| {
            let mut findings = Findings::default();
            rules.check(&[&package(&changes)], &mut findings);
            findings.wrong
        };
        assert_eq!(found(json!({"license": null})), ["x 1.0.0: says no licence"]);
        assert_eq!(found(json!({"license": "GPL-3.0-only"})).len(), 1);
        assert!(found(json!({"license": null, "publish": []})).is_empty());
    }
}
