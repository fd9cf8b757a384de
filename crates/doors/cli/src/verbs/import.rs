//! `import`: makes an image of a root file system's tar archive.

use crate::args::{Arity, Typed, Verb, list, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::{Lines, Passing, Told, Work};
use clap::Command;
use engine::image::{ImportOptions, Progress, Silent, parse_platform};
use ids::Reference;
use std::fs::File;
use std::io::{self, IsTerminal, Read};

/// The verb.
pub(crate) static IMPORT: Verb = Verb {
    name: "import",
    spellings: &["sampan image import", "sampan import"],
    usage: "[OPTIONS] file|- [REPOSITORY[:TAG]]",
    about: "Import the contents from a tarball to create a filesystem image",
    define,
    refused: &[],
    arity: Arity::Between(1, 2),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(list("change", 'c', "list", "Apply Dockerfile instruction to the created image"))
        .arg(text("message", 'm', "string", "Set commit message for imported image"))
        .arg(text("platform", '\0', "string", "Set platform of the image, like linux/arm64"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let source = typed.argument(0).unwrap_or_default();
    let name = typed.argument(1).map(Reference::parse).transpose().map_err(|error| Failure::of(&error))?;
    if let Some(digest) = name.as_ref().and_then(Reference::digest) {
        return Err(Failure::new(format!("cannot import to a digest reference ({digest})")));
    }
    let options = ImportOptions {
        changes: typed.list("change").into_iter().map(str::to_owned).collect(),
        message: typed.text("message").map(str::to_owned).or_else(|| Some(format!("Imported from {source}"))),
        platform: typed.parsed("platform", parse_platform)?,
    };
    let (source, length) = open(source)?;
    let mut source = Passing::new(source, Some(Told::Bar("Reading", length)));
    let lines = Lines::on_stderr(Work::Import);
    // As with a load, only a terminal is shown how it goes.
    let progress: &dyn Progress = if io::stderr().is_terminal() { &lines } else { &Silent };
    let engine = context.engine()?;
    let store = engine.images().map_err(|error| Failure::of(&error))?;
    let image = store.import(&mut source, name.as_ref(), &options, progress);
    source.clear();
    lines.end();
    let image = image.map_err(|error| Failure::of(&error))?;
    engine.tell_of_image("import", &image.id, None);
    if let Some(name) = &name {
        engine.tell_of_image("tag", &image.id, Some(name));
    }
    context.line(image.id.as_str())?;
    Ok(0)
}

/// The archive that a person means, and its length or 0; `-` is standard input.
fn open(source: &str) -> Result<(Box<dyn Read>, u64), Failure> {
    if source == "-" {
        if io::stdin().is_terminal() {
            return Err(Failure::new("requested import from stdin, but stdin is a terminal"));
        }
        return Ok((Box::new(io::stdin().lock()), 0));
    }
    if source.starts_with("http://") || source.starts_with("https://") {
        return Err(Failure::new(format!("cannot import from the URL {source}"))
            .with_hint("download it first: curl -L URL | sampan import - NAME"));
    }
    let failed = |error: io::Error| Failure::new(format!("cannot open {source}: {error}"));
    let file = File::open(source).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if found.is_dir() {
        return Err(Failure::new(format!("{source} is a directory, not an archive"))
            .with_hint(format!("pack it: tar -C {source} -c . | sampan import - NAME")));
    }
    Ok((Box::new(file), found.len()))
}
