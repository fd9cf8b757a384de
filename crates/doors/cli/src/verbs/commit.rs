//! `commit`: an image of what a container has become.

use crate::args::{Arity, Typed, Verb, list, switch_on, text};
use crate::client::CommitOptions;
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;
use ids::Reference;

/// The verb.
pub(crate) static COMMIT: Verb = Verb {
    name: "commit",
    spellings: &["sampan container commit", "sampan commit"],
    usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    about: "Create a new image from a container's changes",
    define,
    refused: &[],
    arity: Arity::Between(1, 2),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(text("author", 'a', "string", "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")"))
        .arg(list("change", 'c', "list", "Apply Dockerfile instruction to the created image"))
        .arg(text("message", 'm', "string", "Commit message"))
        .arg(switch_on("pause", 'p', "Pause container during commit (default true)"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let name = typed.argument(1).filter(|name| !name.is_empty());
    let reference = name.map(Reference::parse).transpose().map_err(|error| Failure::of(&error))?;
    if let Some(digest) = reference.as_ref().and_then(Reference::digest) {
        return Err(Failure::new(format!("cannot commit to a digest reference ({digest})")));
    }
    let filled = |flag: &str| typed.text(flag).filter(|text| !text.is_empty()).map(str::to_owned);
    let options = CommitOptions {
        reference,
        author: filled("author"),
        message: filled("message"),
        changes: typed.list("change").into_iter().map(str::to_owned).collect(),
        pause: typed.is_on("pause"),
    };
    let container = typed.argument(0).unwrap_or_default();
    context.line(&context.client()?.commit(container, &options)?)?;
    Ok(0)
}
