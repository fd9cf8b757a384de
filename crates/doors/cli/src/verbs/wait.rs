//! `wait`: blocks until containers do not run, and prints their exit codes.

use super::each::all_told;
use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;

/// The verb.
pub(crate) static WAIT: Verb = Verb {
    name: "wait",
    spellings: &["sampan container wait", "sampan wait"],
    usage: "CONTAINER [CONTAINER...]",
    about: "Block until one or more containers stop, then print their exit codes",
    define: |command| command,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let client = context.client()?;
    let mut failures = Vec::new();
    for name in typed.arguments() {
        match client.wait(name) {
            Ok(outcome) => context.line(&outcome.status_code.to_string())?,
            Err(failure) => failures.push(failure),
        }
    }
    all_told(failures)
}
