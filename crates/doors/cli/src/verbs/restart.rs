//! `restart`: stops containers and starts them again.

use super::each::each;
use super::stop::{define, stop_query};
use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;

/// The verb.
pub(crate) static RESTART: Verb = Verb {
    name: "restart",
    spellings: &["sampan container restart", "sampan restart"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Restart one or more containers",
    define,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let (client, query) = (context.client()?, stop_query(typed)?);
    each(context, typed, |name| client.restart(name, &query))
}
