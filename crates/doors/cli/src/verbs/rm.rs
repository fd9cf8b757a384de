//! `rm`: removes containers.

use super::each::all_told;
use crate::args::{Arity, Refused, Typed, Verb, switch};
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;

/// The verb.
pub(crate) static RM: Verb = Verb {
    name: "rm",
    spellings: &["sampan container rm", "sampan container remove", "sampan rm"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Remove one or more containers",
    define,
    refused: &[Refused { name: "link", short: 'l', reason: "there are no links; use the same --network" }],
    arity: Arity::AtLeast(1),
    run,
};

fn define(command: Command) -> Command {
    command.arg(switch("force", 'f', "Force the removal of a running container (uses SIGKILL)")).arg(switch(
        "volumes",
        'v',
        "Remove anonymous volumes associated with the container",
    ))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let client = context.client()?;
    let (force, volumes) = (typed.is_on("force"), typed.is_on("volumes"));
    let mut failures = Vec::new();
    for name in typed.arguments() {
        match client.remove(name.trim_start_matches('/'), force, volumes) {
            Ok(()) => context.line(name)?,
            // Docker: a forced removal of what is not there tells so, and yet succeeds.
            Err(failure) if force && failure.message.starts_with("No such container") => {
                context.warn(&failure.message);
            }
            Err(failure) => failures.push(failure),
        }
    }
    all_told(failures)
}
