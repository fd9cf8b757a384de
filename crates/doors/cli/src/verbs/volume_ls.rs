//! `volume ls`: lists volumes.

use crate::args::{Arity, Refused, Typed, Verb, list, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::render::{Column, List, Row};
use clap::Command;

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
    let views = context.engine()?.list_volumes().map_err(|error| Failure::of(&error))?;
    let rows: Vec<Row> = views
        .iter()
        .filter(|_| filters.any("driver", |driver| driver == "local"))
        .filter(|view| filters.any("name", |name| view.name.as_str().contains(name)))
        .filter(|view| {
            filters
                .any("dangling", |value| crate::parse::boolean(value).unwrap_or(false) == (view.users == 0))
        })
        .filter(|view| filters.labels(&view.labels))
        .map(|view| {
            Row::default()
                .with("Driver", "local")
                .with("Name", view.name.as_str())
                .with("Mountpoint", view.path.display().to_string())
                .with("Scope", "local")
                .with("Links", view.users.to_string())
                .with("Size", "N/A")
                .with_labels(&view.labels)
        })
        .collect();
    let format = context.list_format(typed, |settings| &settings.volumes_format);
    context.print(&LIST.render(format, typed.is_on("quiet"), &rows).map_err(Failure::from)?)?;
    Ok(0)
}
