//! `volume ls`: lists volumes.

use crate::args::{Arity, Refused, Typed, Verb, list, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::render::{Column, List, Row};
use clap::Command;
use docker_model::{StringMap, Volume};

/// The verb.
pub(crate) static VOLUME_LS: Verb = Verb {
    name: "ls",
    spellings: &["sampan volume ls", "sampan volume list"],
    usage: "[OPTIONS]",
    about: "List volumes",
    define,
    refused: &[Refused { name: "cluster", short: '\0', reason: "volumes are local directories" }],
    arity: Arity::None,
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "Driver", header: "DRIVER" },
        Column { name: "Name", header: "VOLUME NAME" },
        Column { name: "Mountpoint", header: "MOUNTPOINT" },
        Column { name: "Scope", header: "SCOPE" },
        Column { name: "Labels", header: "LABELS" },
        Column { name: "Links", header: "LINKS" },
        Column { name: "Size", header: "SIZE" },
    ],
    default: &["Driver", "Name"],
    quiet: "Name",
};

fn define(command: Command) -> Command {
    command
        .arg(list("filter", 'f', "filter", "Provide filter values (e.g. \"dangling=true\")"))
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(switch("quiet", 'q', "Only display volume names"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let filters = Filters::parse(&typed.list("filter"), &["dangling", "driver", "label", "name"])?;
    let volumes = context.client()?.list_volumes(&filters)?;
    let rows: Vec<Row> = volumes.iter().map(row).collect();
    let format = context.list_format(typed, |settings| &settings.volumes_format);
    context.print(&LIST.render(format, typed.is_on("quiet"), &rows).map_err(Failure::from)?)?;
    Ok(0)
}

fn row(volume: &Volume) -> Row {
    let links = volume.usage_data.map_or_else(|| "N/A".to_owned(), |usage| usage.ref_count.to_string());
    let row = Row::default()
        .with("Driver", volume.driver.as_str())
        .with("Name", volume.name.as_str())
        .with("Mountpoint", volume.mountpoint.as_str())
        .with("Scope", volume.scope.as_str())
        .with("Links", links)
        .with("Size", "N/A");
    match &volume.labels {
        Some(labels) => row.with_labels(labels),
        None => row.with_labels(&StringMap::new()),
    }
}
