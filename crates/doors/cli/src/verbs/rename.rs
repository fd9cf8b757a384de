//! `rename`: gives a container another name.

use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;

/// The verb.
pub(crate) static RENAME: Verb = Verb {
    name: "rename",
    spellings: &["sampan container rename", "sampan rename"],
    usage: "CONTAINER NEW_NAME",
    about: "Rename a container",
    define: |command| command,
    refused: &[],
    arity: Arity::Exactly(2),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let (old, new) = (typed.argument(0).unwrap_or_default(), typed.argument(1).unwrap_or_default());
    context.client()?.rename(old, new)?;
    Ok(0)
}
