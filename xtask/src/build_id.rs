//! One name for one source tree, baked into both programs so that they can refuse a partner of another build.

use crate::workspace::{Workspace, output};
use anyhow::{Context, Result};
use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

/// What a build depends on; documentation and tests do not change it.
const SOURCES: [&str; 4] = ["crates", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

/// `SAMPAN_BUILD_ID` if set (packagers), else the commit, with a hash of what differs from it, else `source`.
pub(crate) fn of(workspace: &Workspace) -> Result<String> {
    if let Some(given) = env::var("SAMPAN_BUILD_ID").ok().filter(|id| !id.is_empty()) {
        return Ok(given);
    }
    // An unpacked source archive has no repository; there is one build of it.
    let Ok(commit) = git(workspace, &["rev-parse", "--short=12", "HEAD"]) else {
        return Ok(String::from("source"));
    };
    let commit = String::from(String::from_utf8_lossy(&commit).trim());
    let mut changes = git(workspace, &with_sources(&["diff", "HEAD", "--binary", "--"]))?;
    let untracked = git(workspace, &with_sources(&["ls-files", "--others", "--exclude-standard", "--"]))?;
    if !untracked.is_empty() {
        changes.extend_from_slice(&untracked);
        changes.extend(git_with_input(workspace, &["hash-object", "--stdin-paths"], &untracked)?);
    }
    if changes.is_empty() {
        return Ok(commit);
    }
    let hash = git_with_input(workspace, &["hash-object", "--stdin"], &changes)?;
    Ok(format!("{commit}-{}", String::from_utf8_lossy(&hash[..8.min(hash.len())])))
}

fn with_sources<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &SOURCES].concat()
}

fn git(workspace: &Workspace, arguments: &[&str]) -> Result<Vec<u8>> {
    output(workspace.tool("git").args(arguments))
}

fn git_with_input(workspace: &Workspace, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
    let mut command: Command = workspace.tool("git");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot run git")?;
    let mut stdin = child.stdin.take().context("git has no standard input")?;
    // git answers only with short lines, so writing all before reading cannot block for ever.
    stdin.write_all(input).context("git stopped reading")?;
    drop(stdin);
    Ok(child.wait_with_output().context("git did not end")?.stdout)
}
