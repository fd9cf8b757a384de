//! `update`: other limits and another restart policy for containers, running or not.

use super::each::all_told;
use crate::args::{Arity, Refused, Typed, Verb, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::{parse, request};
use clap::Command;
use docker_model::ContainerUpdateRequest;

/// The verb.
pub(crate) static UPDATE: Verb = Verb {
    name: "update",
    spellings: &["sampan container update", "sampan update"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Update configuration of one or more containers",
    define,
    refused: &[Refused {
        name: "kernel-memory",
        short: '\0',
        reason: "the kernel has dropped this limit; use --memory",
    }],
    arity: Arity::AtLeast(1),
    run,
};

fn define(command: Command) -> Command {
    request::limits(command).arg(text(
        "restart",
        '\0',
        "string",
        "Restart policy to apply when a container exits",
    ))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    if !FLAGS.iter().any(|flag| typed.was_typed(flag)) {
        return Err(Failure::new("you must provide one or more flags when using this command"));
    }
    let request = ContainerUpdateRequest {
        resources: request::resources(typed)?,
        restart_policy: typed.parsed("restart", parse::restart_policy)?.unwrap_or_default(),
    };
    let client = context.client()?;
    let (mut warnings, mut failures) = (Vec::new(), Vec::new());
    for name in typed.arguments() {
        match client.update(name, &request) {
            Ok(more) => {
                context.line(name)?;
                warnings.extend(more);
            }
            Err(failure) => failures.push(failure),
        }
    }
    warnings.iter().for_each(|warning| context.warn(&format!("warning: {warning}")));
    all_told(failures)
}

const FLAGS: [&str; 15] = [
    "blkio-weight",
    "cpu-period",
    "cpu-quota",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "cpu-shares",
    "cpus",
    "cpuset-cpus",
    "cpuset-mems",
    "memory",
    "memory-reservation",
    "memory-swap",
    "pids-limit",
    "restart",
    "kernel-memory",
];
