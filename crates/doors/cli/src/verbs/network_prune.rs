//! `network prune`: removes networks that no running container is on.

use crate::args::{Arity, Typed, Verb, list, switch};
use crate::context::Context;
use crate::failure::Failure;
use crate::keep::Keep;
use clap::Command;

/// The verb.
pub(crate) static NETWORK_PRUNE: Verb = Verb {
    name: "prune",
    spellings: &["sampan network prune"],
    usage: "[OPTIONS]",
    about: "Remove all unused networks",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(list("filter", '\0', "filter", "Provide filter values (e.g. \"until=<timestamp>\")"))
        .arg(switch("force", 'f', "Do not prompt for confirmation"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let keep = Keep::parse(&context.prune_filters(typed))?;
    let question = "WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue?";
    if !typed.is_on("force") && !context.confirm(question)? {
        return Ok(0);
    }
    let removed = context.client()?.prune_networks(&keep)?;
    if !removed.is_empty() {
        context.print(&format!("Deleted Networks:\n{}\n\n", removed.join("\n")))?;
    }
    Ok(0)
}
