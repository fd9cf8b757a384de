//! `man`: writes the manual pages; what packages are built with, and therefore not listed.

use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;
use crate::manual::pages;
use std::fs;
use std::path::Path;

/// The verb.
pub(crate) static MAN: Verb = Verb {
    name: "man",
    spellings: &["sampan man"],
    usage: "DIRECTORY",
    about: "Write the manual pages of all commands into a directory",
    define: |command| command,
    refused: &[],
    arity: Arity::Exactly(1),
    run,
};

fn run(_: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let directory = Path::new(typed.argument(0).unwrap_or_default());
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error| Failure::new(format!("cannot write {path}: {error}"))
    };
    fs::create_dir_all(directory).map_err(failed(directory))?;
    for (name, text) in pages() {
        let path = directory.join(name);
        fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(0)
}
