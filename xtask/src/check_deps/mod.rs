//! `check-deps`: the rules of the house that no compiler checks.
//!
//! Everything is gathered before anything fails, so one run shows all that is wrong.

mod edges;
mod metadata;
mod names;
mod policy;
mod runtime_tree;
mod unsafe_code;

use crate::workspace::Workspace;
use anyhow::{Result, bail};
use metadata::Metadata;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let metadata = Metadata::load(workspace)?;
    let policy = policy::check(workspace, &metadata)?;
    let checks = [
        ("crate edges", edges::check(&metadata.members())),
        ("unsafe code", unsafe_code::check(&metadata.members())?),
        ("the runtime's dependencies", runtime_tree::check(&metadata)),
        ("file names", names::check(&workspace.root)?),
        ("licences, bans and sources (deny.toml)", policy.wrong),
    ];
    let mut wrong = 0;
    for (name, findings) in checks {
        println!("{name}: {}", if findings.is_empty() { "ok" } else { "WRONG" });
        for finding in &findings {
            println!("  {finding}");
        }
        wrong += findings.len();
    }
    for note in &policy.notes {
        println!("note: {note}");
    }
    if wrong > 0 {
        bail!("{wrong} house rule{} broken", if wrong == 1 { "" } else { "s" });
    }
    Ok(())
}
