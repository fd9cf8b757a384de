//! `network inspect`: everything about networks.

use super::inspect::Document;
use crate::args::{Arity, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;

/// The verb.
pub(crate) static NETWORK_INSPECT: Verb = Verb {
    name: "inspect",
    spellings: &["sampan network inspect"],
    usage: "[OPTIONS] NETWORK [NETWORK...]",
    about: "Display detailed information on one or more networks",
    define: |command| {
        command.arg(text("format", 'f', "string", "Format output: 'json' or a Go template")).arg(switch(
            "verbose",
            'v',
            "Verbose output for diagnostics",
        ))
    },
    refused: &[],
    arity: Arity::AtLeast(1),
    run: |context, typed| {
        super::inspect::print_all(context, typed, &[|context, name, _| find(context, name)], "network")
    },
};

/// A network's document; `None` when there is none of that name.
pub(crate) fn find(context: &Context, name: &str) -> Result<Option<Document>, Failure> {
    match context.client()?.inspect_network(name) {
        Ok(network) => super::inspect::document(&network).map(Some),
        Err(failure) if failure.missing => Ok(None),
        Err(failure) => Err(failure),
    }
}
