//! `image prune`: removes images that no container uses.

use super::prune::told;
use crate::args::{Arity, Typed, Verb, list, switch};
use crate::client::{PruneQuery, PruneScope};
use crate::context::Context;
use crate::failure::Failure;
use crate::keep::Keep;
use clap::Command;

/// The verb.
pub(crate) static IMAGE_PRUNE: Verb = Verb {
    name: "prune",
    spellings: &["sampan image prune"],
    usage: "[OPTIONS]",
    about: "Remove unused images",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(switch("all", 'a', "Remove all unused images, not just dangling ones"))
        .arg(list("filter", '\0', "filter", "Provide filter values (e.g. \"until=<timestamp>\")"))
        .arg(switch("force", 'f', "Do not prompt for confirmation"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let keep = Keep::parse(&context.prune_filters(typed))?;
    let (scope, what) = if typed.is_on("all") {
        (PruneScope::Unused, "images without at least one container associated to them")
    } else {
        (PruneScope::Dangling, "dangling images")
    };
    let question = format!("WARNING! This will remove all {what}.\nAre you sure you want to continue?");
    if !typed.is_on("force") && !context.confirm(&question)? {
        return Ok(0);
    }
    let query =
        PruneQuery { containers: false, networks: false, images: Some(scope), volumes: false, keep: &keep };
    context.print(&told(&context.client()?.prune(&query)?))?;
    Ok(0)
}
