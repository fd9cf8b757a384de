//! `network ls`: lists networks.

use crate::args::{Arity, Typed, Verb, list, switch, text};
use crate::client::local::from_engine_network::created;
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::parse::boolean;
use crate::render::{Column, List, Row};
use clap::Command;
use engine::networks::NetworkView;

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
    let engine = context.engine()?;
    let mut rows = Vec::new();
    for view in engine.list_networks().map_err(|error| Failure::of(&error))? {
        let mut shown = matches(&filters, &view);
        if shown && filters.has("dangling") {
            let (_, members) = engine.inspect_network(view.id.as_str()).unwrap_or((view.clone(), Vec::new()));
            let dangling = members.is_empty() && !view.is_predefined;
            shown = filters.any("dangling", |value| boolean(value).unwrap_or(false) == dangling);
        }
        if shown {
            rows.push(row(&view, typed.is_on("no-trunc")));
        }
    }
    let format = context.list_format(typed, |settings| &settings.networks_format);
    context.print(&LIST.render(format, typed.is_on("quiet"), &rows).map_err(Failure::from)?)?;
    Ok(0)
}

fn matches(filters: &Filters, view: &NetworkView) -> bool {
    let kind = if view.is_predefined { "builtin" } else { "custom" };
    filters.any("driver", |driver| driver == view.driver)
        && filters.any("id", |id| view.id.as_str().starts_with(id))
        && filters.any("name", |name| view.name.contains(name))
        && filters.any("scope", |scope| scope == "local")
        && filters.any("type", |wanted| wanted == kind)
        && filters.labels(&view.labels)
}

fn row(view: &NetworkView, whole: bool) -> Row {
    let id = view.id.as_str();
    Row::default()
        .with("ID", if whole { id } else { &id[..12] })
        .with("Name", view.name.as_str())
        .with("Driver", view.driver)
        .with("Scope", "local")
        .with("IPv4", "true")
        .with("IPv6", "false")
        .with("Internal", view.internal.to_string())
        .with("CreatedAt", created(view))
        .with_labels(&view.labels)
}
