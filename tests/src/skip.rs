//! The only way to skip: `skip!("feature")`, for a feature listed in `tests/skips.toml` with a probe that fails.
//!
//! The probe is run each time, so a machine that has the feature runs the test, and a skip is never out of date. Each
//! skip is written to the file that `SAMPAN_SKIP_LOG` names; `./test` prints them.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Stdio};

/// The list, carried along: the suite also runs where the source is not.
const LIST: &str = include_str!("../skips.toml");

/// An entry of `tests/skips.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// The name that `skip!` uses.
    pub name: String,
    /// What is not tested without it.
    pub reason: String,
    /// A shell command that succeeds where the feature is there.
    pub probe: String,
}

/// Leaves the test unless the machine has the named feature.
#[macro_export]
macro_rules! skip {
    ($feature:literal) => {
        if $crate::skip::is_missing($feature, module_path!()) {
            return;
        }
    };
}

/// Whether the listed feature is missing; if so, says that a test of `module` was skipped.
///
/// # Panics
/// When the feature is not listed.
#[must_use]
pub fn is_missing(name: &str, module: &str) -> bool {
    let features = listed();
    let Some(feature) = features.iter().find(|feature| feature.name == name) else {
        panic!("skip!({name:?}): not listed in tests/skips.toml");
    };
    if probe_succeeds(feature) {
        return false;
    }
    println!("SKIPPED a test of {module}: {name}: {}", feature.reason);
    if let Some(path) = std::env::var_os("SAMPAN_SKIP_LOG") {
        let mut log = OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(log, "{module}: {name}: {}", feature.reason).unwrap();
    }
    true
}

fn probe_succeeds(feature: &Feature) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", &feature.probe]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().unwrap().success()
}

/// All entries.
///
/// # Panics
/// When the file is malformed.
#[must_use]
pub fn listed() -> Vec<Feature> {
    match parse(LIST) {
        Ok(features) => features,
        Err(reason) => panic!("tests/skips.toml: {reason}"),
    }
}

/// Reads the part of TOML that the file uses: `[name]`, `key = "text"`, comments.
fn parse(text: &str) -> Result<Vec<Feature>, String> {
    let mut features: Vec<Feature> = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate() {
        let wrong = || format!("line {}: expected [name], reason = \"...\" or probe = \"...\"", number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            features.push(Feature { name: name.into(), reason: String::new(), probe: String::new() });
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(wrong)?;
        let value =
            value.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
        let feature = features.last_mut().ok_or_else(wrong)?;
        match key.trim() {
            "reason" => feature.reason = value.replace("\\\"", "\""),
            "probe" => feature.probe = value.replace("\\\"", "\""),
            _ => return Err(wrong()),
        }
    }
    let incomplete = features.iter().find(|feature| feature.reason.is_empty() || feature.probe.is_empty());
    match incomplete {
        Some(feature) => Err(format!("[{}] needs a reason and a probe", feature.name)),
        None => Ok(features),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_need_a_reason_and_a_probe() {
        let whole = "# why\n[swap]\nreason = \"no \\\"swap\\\"\"\nprobe = \"true\"\n";
        assert_eq!(parse(whole).unwrap()[0].reason, "no \"swap\"");
        assert!(parse("[swap]\nreason = \"x\"\n").is_err());
        assert!(parse("reason = \"x\"\n").is_err());
        assert!(parse("[swap]\nreason = x\n").is_err());
        assert!(parse("[swap]\nother = \"x\"\n").is_err());
    }

    #[test]
    fn the_list_can_be_read() {
        let mut names: Vec<String> = listed().into_iter().map(|feature| feature.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "a feature is listed twice");
    }
}
