//! `network ls`: lists networks.

use crate::args::{Arity, Typed, Verb, list, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::render::{Column, List, Row};
use clap::Command;
use docker_model::NetworkInspect;

/// The verb.
pub(crate) static NETWORK_LS: Verb = Verb {
    name: "ls",
    spellings: &["sampan network ls", "sampan network list"],
    usage: "[OPTIONS]",
    about: "List networks",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "ID", header: "NETWORK ID" },
        Column { name: "Name", header: "NAME" },
        Column { name: "Driver", header: "DRIVER" },
        Column { name: "Scope", header: "SCOPE" },
        Column { name: "IPv4", header: "IPV4" },
        Column { name: "IPv6", header: "IPV6" },
        Column { name: "Internal", header: "INTERNAL" },
        Column { name: "Labels", header: "LABELS" },
        Column { name: "CreatedAt", header: "CREATED AT" },
    ],
    default: &["ID", "Name", "Driver", "Scope"],
    quiet: "ID",
};

const FILTERS: [&str; 7] = ["dangling", "driver", "id", "label", "name", "scope", "type"];

fn define(command: Command) -> Command {
    command
        .arg(list("filter", 'f', "filter", "Provide filter values (e.g. \"driver=bridge\")"))
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(switch("no-trunc", '\0', "Do not truncate the output"))
        .arg(switch("quiet", 'q', "Only display network IDs"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let filters = Filters::parse(&typed.list("filter"), &FILTERS)?;
    for kind in filters.values("type") {
        if !matches!(kind.as_str(), "custom" | "builtin") {
            return Err(Failure::new(format!("invalid filter: 'type'='{kind}'")));
        }
    }
    let networks = context.client()?.list_networks(&filters)?;
    let rows: Vec<Row> = networks.iter().map(|one| row(one, typed.is_on("no-trunc"))).collect();
    let format = context.list_format(typed, |settings| &settings.networks_format);
    context.print(&LIST.render(format, typed.is_on("quiet"), &rows).map_err(Failure::from)?)?;
    Ok(0)
}

fn row(network: &NetworkInspect, whole: bool) -> Row {
    let id = network.id.as_str();
    Row::default()
        .with("ID", if whole { id } else { id.get(..12).unwrap_or(id) })
        .with("Name", network.name.as_str())
        .with("Driver", network.driver.as_str())
        .with("Scope", network.scope.as_str())
        .with("IPv4", network.enable_ipv4.to_string())
        .with("IPv6", network.enable_ipv6.to_string())
        .with("Internal", network.internal.to_string())
        .with("CreatedAt", network.created.as_str())
        .with_labels(&network.labels)
}
