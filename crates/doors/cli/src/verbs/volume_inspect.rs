//! `volume inspect`: everything about volumes.

use super::inspect::Document;
use crate::args::{Arity, Verb, text};
use crate::context::Context;
use crate::failure::Failure;
use ids::VolumeName;

/// The verb.
pub(crate) static VOLUME_INSPECT: Verb = Verb {
    name: "inspect",
    spellings: &["sampan volume inspect"],
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    about: "Display detailed information on one or more volumes",
    define: |command| command.arg(text("format", 'f', "string", "Format output: 'json' or a Go template")),
    refused: &[],
    arity: Arity::AtLeast(1),
    run: |context, typed| {
        super::inspect::print_all(context, typed, &[|context, name, _| find(context, name)], "volume")
    },
};

/// A volume's document; `None` when there is none of that name.
pub(crate) fn find(context: &Context, name: &str) -> Result<Option<Document>, Failure> {
    let Ok(name) = VolumeName::parse(name) else { return Ok(None) };
    match context.client()?.inspect_volume(&name) {
        Ok(volume) => super::inspect::document(&volume).map(Some),
        Err(failure) if failure.missing => Ok(None),
        Err(failure) => Err(failure),
    }
}
