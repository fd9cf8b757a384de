//! Which commit a result is of, so that a reader can tell whether it is of the code.

use crate::workspace::{Workspace, output};
use anyhow::Result;

/// The commit that is checked out, and when it was looked at.
pub(crate) struct Commit {
    name: String,
    /// Whether there are changes that no commit has. Results do not count: writing one must not spoil the next.
    pub(crate) changed: bool,
    /// UTC.
    pub(crate) date: String,
}

impl Commit {
    pub(crate) fn of(workspace: &Workspace) -> Result<Self> {
        let text = |program: &str, arguments: &[&str]| -> Result<String> {
            let bytes = output(workspace.tool(program).args(arguments))?;
            Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
        };
        let changes = [
            "status",
            "--porcelain",
            "--",
            ".",
            ":!docs/results",
            ":!docs/benchmarks.md",
            ":!docs/benchmarks-oci.md",
        ];
        Ok(Self {
            name: text("git", &["rev-parse", "--short=10", "HEAD"])?,
            changed: !text("git", &changes)?.is_empty(),
            date: text("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?,
        })
    }
}

impl std::fmt::Display for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let changed = if self.changed { " with changes" } else { "" };
        write!(f, "{}{changed}", self.name)
    }
}
