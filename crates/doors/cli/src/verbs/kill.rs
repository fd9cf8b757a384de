//! `kill`: sends a signal to the first process of containers.

use super::each::each;
use crate::args::{Arity, Typed, Verb, text};
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;

/// The verb.
pub(crate) static KILL: Verb = Verb {
    name: "kill",
    spellings: &["sampan container kill", "sampan kill"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Kill one or more running containers",
    define,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

fn define(command: Command) -> Command {
    command.arg(text("signal", 's', "string", "Signal to send to the container (default \"KILL\")"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let client = context.client()?;
    let signal = typed.text("signal").filter(|signal| !signal.is_empty()).unwrap_or("KILL");
    each(context, typed, |name| client.kill(name, signal))
}
