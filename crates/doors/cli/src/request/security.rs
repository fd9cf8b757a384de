//! `--security-opt`.

use super::refuse;
use crate::failure::Failure;

/// Profiles larger than this are refused.
const PROFILE_MAX: u64 = 4 << 20;

/// What the options mean.
#[derive(Debug, Default)]
pub(super) struct Security {
    /// Options for the engine, with a profile's text in the place of its path.
    pub(super) options: Vec<String>,
    /// `systempaths=unconfined`: nothing is hidden or read-only.
    pub(super) system_paths_unconfined: bool,
}

/// Parses the options and reads the seccomp profile.
pub(super) fn security(options: &[&str]) -> Result<Security, Failure> {
    let mut security = Security::default();
    for option in options {
        // Docker still takes the colon of old versions.
        let (key, value) = match option.split_once('=').or_else(|| option.split_once(':')) {
            Some(pair) => pair,
            None if *option == "no-new-privileges" => (*option, "true"),
            None => return Err(refuse(format!("Invalid --security-opt: {option:?}"))),
        };
        match (key, value) {
            ("systempaths", "unconfined") => security.system_paths_unconfined = true,
            ("seccomp", "unconfined" | "builtin") => security.options.push((*option).to_owned()),
            ("seccomp", path) => security.options.push(format!("seccomp={}", profile(path)?)),
            ("no-new-privileges" | "label" | "apparmor", _) => security.options.push((*option).to_owned()),
            _ => return Err(refuse(format!("Invalid --security-opt: {option:?}"))),
        }
    }
    Ok(security)
}

/// The text of a profile, without blanks.
fn profile(path: &str) -> Result<String, Failure> {
    use std::io::Read;
    let opening = |error: std::io::Error| refuse(format!("opening seccomp profile ({path}) failed: {error}"));
    let mut text = String::new();
    std::fs::File::open(path)
        .map_err(opening)?
        .take(PROFILE_MAX)
        .read_to_string(&mut text)
        .map_err(opening)?;
    let value: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| refuse(format!("compacting json for seccomp profile ({path}) failed: {error}")))?;
    Ok(value.to_string())
}

/// Capabilities to add and to drop as Docker sends them: with `CAP_`, each once, ordered; `ALL` stands for the rest, and
/// what is added is not dropped.
pub(super) fn capabilities(add: &[&str], drop: &[&str]) -> (Vec<String>, Vec<String>) {
    let (mut add, mut drop) = (named(add), named(drop));
    let all = |names: &[String]| names.iter().any(|name| name == "ALL");
    if all(&add) {
        add = vec!["ALL".to_owned()];
    }
    if all(&drop) {
        drop = vec!["ALL".to_owned()];
    } else {
        drop.retain(|name| !add.contains(name));
    }
    (add, drop)
}

fn named(names: &[&str]) -> Vec<String> {
    let one = |name: &&str| {
        let upper = name.trim().to_ascii_uppercase();
        if upper == "ALL" || upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") }
    };
    let ordered: std::collections::BTreeSet<String> = names.iter().map(one).collect();
    ordered.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_as_docker_sends_them() {
        let (add, drop) = capabilities(&["net_admin", "CAP_CHOWN", "chown"], &["chown", "mknod"]);
        assert_eq!(
            (add, drop),
            (vec!["CAP_CHOWN".into(), "CAP_NET_ADMIN".into()], vec!["CAP_MKNOD".to_owned()])
        );
        assert_eq!(capabilities(&["all", "chown"], &["all"]), (vec!["ALL".into()], vec!["ALL".into()]));
    }
}
