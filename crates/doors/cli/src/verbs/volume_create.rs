//! `volume create`: makes a volume.

use crate::args::{Arity, Refused, Typed, Verb, list, text};
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;
use ids::VolumeName;

const fn cluster(name: &'static str) -> Refused {
    Refused { name, short: '\0', reason: "it is for Swarm's cluster volumes" }
}

/// The verb.
pub(crate) static VOLUME_CREATE: Verb = Verb {
    name: "create",
    spellings: &["sampan volume create"],
    usage: "[OPTIONS] [VOLUME]",
    about: "Create a volume",
    define,
    refused: &[
        cluster("availability"),
        cluster("group"),
        cluster("limit-bytes"),
        cluster("required-bytes"),
        cluster("scope"),
        cluster("secret"),
        cluster("sharing"),
        cluster("topology-preferred"),
        cluster("topology-required"),
        cluster("type"),
        Refused { name: "opt", short: 'o', reason: "the local driver has no options yet" },
    ],
    arity: Arity::AtMost(1),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(text("driver", 'd', "string", "Specify volume driver name").default_value("local"))
        .arg(list("label", '\0', "list", "Set metadata for a volume"))
        .arg(text("name", '\0', "string", "Specify volume name").hide(true))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let driver = typed.text("driver").unwrap_or("local");
    if driver != "local" {
        return Err(Failure::new(format!(
            "error looking up volume plugin {driver}: only the local driver is here"
        )));
    }
    let name = typed.argument(0).or_else(|| typed.text("name")).filter(|name| !name.is_empty());
    let name = name.map(VolumeName::parse).transpose().map_err(|error| Failure::of(&error))?;
    let labels = typed.list("label").into_iter().map(|label| {
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        (key.to_owned(), value.to_owned())
    });
    context.line(&context.client()?.create_volume(name, labels.collect())?.name)?;
    Ok(0)
}
