//! Verbs that take several containers: each is done, each failure is told, and one failure makes the exit code 1.

use crate::args::Typed;
use crate::context::Context;
use crate::failure::Failure;

/// Does `act` to every argument and prints those that succeeded.
pub(super) fn each(
    context: &Context,
    typed: &Typed,
    act: impl Fn(&str) -> Result<(), Failure>,
) -> Result<u8, Failure> {
    each_of(context, &typed.arguments(), act)
}

/// The same for other names than the arguments.
pub(super) fn each_of(
    context: &Context,
    names: &[&str],
    act: impl Fn(&str) -> Result<(), Failure>,
) -> Result<u8, Failure> {
    let mut failures = Vec::new();
    for name in names {
        match act(name) {
            Ok(()) => context.line(name)?,
            Err(failure) => failures.push(failure),
        }
    }
    all_told(failures)
}

/// One failure for several: their lines, exit code 1.
pub(super) fn all_told(failures: Vec<Failure>) -> Result<u8, Failure> {
    if failures.is_empty() {
        return Ok(0);
    }
    let lines: Vec<String> = failures.into_iter().map(|failure| failure.message).collect();
    Err(Failure::new(lines.join(&format!("\n{}", crate::program::called().complaint()))))
}
