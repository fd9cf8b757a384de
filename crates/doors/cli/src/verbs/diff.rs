//! `diff`: what a container changed in its file system.

use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;
use docker_model::FilesystemChange;

/// The verb.
pub(crate) static DIFF: Verb = Verb {
    name: "diff",
    spellings: &["sampan container diff", "sampan diff"],
    usage: "CONTAINER",
    about: "Inspect changes to files or directories on a container's filesystem",
    define: |command| command,
    refused: &[],
    arity: Arity::Exactly(1),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let name = typed.argument(0).unwrap_or_default();
    if name.is_empty() {
        return Err(Failure::new("Container name cannot be empty"));
    }
    let changes = context.client()?.changes(name)?;
    let line = |change: &FilesystemChange| format!("{} {}\n", letter(change.kind), change.path);
    context.print(&changes.iter().map(line).collect::<String>())?;
    Ok(0)
}

/// Docker's letter for what became of a path.
fn letter(kind: u8) -> char {
    match kind {
        0 => 'C',
        1 => 'A',
        2 => 'D',
        _ => '?',
    }
}
