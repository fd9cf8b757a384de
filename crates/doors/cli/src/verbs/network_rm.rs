//! `network rm`: removes networks.

use crate::args::{Arity, Typed, Verb, switch};
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;

/// The verb.
pub(crate) static NETWORK_RM: Verb = Verb {
    name: "rm",
    spellings: &["sampan network rm", "sampan network remove"],
    usage: "NETWORK [NETWORK...]",
    about: "Remove one or more networks",
    define,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

fn define(command: Command) -> Command {
    command.arg(switch("force", 'f', "Do not error if the network does not exist"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let force = typed.is_on("force");
    super::each::each(context, typed, |name| match context.client()?.remove_network(name) {
        Err(failure) if failure.missing && force => Ok(()),
        done => done,
    })
}
