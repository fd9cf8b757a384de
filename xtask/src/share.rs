//! What packages carry besides programs: manual pages, and completions where shells look for them.
//!
//! Written by the program that was just built, from its verb table.

use crate::workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Shells, and the file below `share` that each looks for.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/sampan"),
    ("zsh", "zsh/site-functions/_sampan"),
    ("fish", "fish/vendor_completions.d/sampan.fish"),
];

/// Writes `share` into `directory`, instead of what was there before.
pub(crate) fn write(program: &Path, directory: &Path) -> Result<()> {
    let share = directory.join("share");
    if share.exists() {
        fs::remove_dir_all(&share).with_context(|| format!("cannot remove {}", share.display()))?;
    }
    let manual = share.join("man/man1");
    workspace::run(Command::new(program).arg("man").arg(&manual))?;
    for (shell, file) in COMPLETIONS {
        let script = workspace::output(Command::new(program).args(["completion", shell]))?;
        let path = share.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let pages = fs::read_dir(&manual)?.count();
    println!("{pages:>8} pages and {} completions in {}", COMPLETIONS.len(), share.display());
    Ok(())
}
