//! `volume rm`: removes volumes.

use crate::args::{Arity, Typed, Verb, switch};
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;
use ids::VolumeName;

/// The verb.
pub(crate) static VOLUME_RM: Verb = Verb {
    name: "rm",
    spellings: &["sampan volume rm", "sampan volume remove"],
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    about: "Remove one or more volumes",
    define,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

fn define(command: Command) -> Command {
    command.arg(switch("force", 'f', "Do not complain about volumes that are not there"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let force = typed.is_on("force");
    super::each::each(context, typed, |name| {
        let name = VolumeName::parse(name).map_err(|error| Failure::of(&error))?;
        match context.client()?.remove_volume(&name) {
            Err(failure) if failure.missing && force => Ok(()),
            done => done,
        }
    })
}
