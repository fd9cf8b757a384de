//! `system reap`: what a monitor executes when its container is to be removed and nobody waits.

use super::each::all_told;
use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;

/// The verb; no help lists it.
pub(crate) static SYSTEM_REAP: Verb = Verb {
    name: "reap",
    spellings: &["sampan system reap"],
    usage: "CONTAINER_ID [CONTAINER_ID...]",
    about: "Remove containers that have ended and are to be removed",
    define: |command| command,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let client = context.client()?;
    all_told(typed.arguments().into_iter().filter_map(|id| client.finish(id).err()).collect())
}
