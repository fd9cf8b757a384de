//! `export`: a container's file system as a tar archive.

use crate::args::{Arity, Typed, Verb, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::output_file::write_archive;

/// The verb.
pub(crate) static EXPORT: Verb = Verb {
    name: "export",
    spellings: &["sampan container export", "sampan export"],
    usage: "[OPTIONS] CONTAINER",
    about: "Export a container's filesystem as a tar archive",
    define: |command| command.arg(text("output", 'o', "string", "Write to a file, instead of STDOUT")),
    refused: &[],
    arity: Arity::Exactly(1),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let name = typed.argument(0).unwrap_or_default();
    let client = context.client()?;
    write_archive(typed.text("output"), "export container", "Exporting", |out| client.export(name, out))?;
    Ok(0)
}
