//! `context ls`: lists contexts.

use super::context_create::existing;
use crate::args::{Arity, Typed, Verb, switch, text};
use crate::context::Context;
use crate::contexts::{DEFAULT, Store};
use crate::failure::{Failure, chain};
use crate::render::{Column, List, Row, render_document};
use crate::target::variable;
use clap::Command;
use serde::Serialize;

/// The verb.
pub(crate) static CONTEXT_LS: Verb = Verb {
    name: "ls",
    spellings: &["sampan context ls", "sampan context list"],
    usage: "[OPTIONS]",
    about: "List contexts",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "Name", header: "NAME" },
        Column { name: "Current", header: "CURRENT" },
        Column { name: "Description", header: "DESCRIPTION" },
        Column { name: "DockerEndpoint", header: "DOCKER ENDPOINT" },
        Column { name: "Error", header: "ERROR" },
    ],
    default: &["Name", "Description", "DockerEndpoint", "Error"],
    quiet: "Name",
};

/// What errors are cut to.
const ERROR_MAX: usize = 45;

fn define(command: Command) -> Command {
    command
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(switch("quiet", 'q', "Only show context names"))
}

/// A line of the list.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    current: bool,
    description: String,
    docker_endpoint: String,
    error: String,
    name: String,
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let lines = lines(context)?;
    let text = match (typed.text("format").unwrap_or_default(), typed.is_on("quiet")) {
        (_, true) => lines.iter().map(|line| format!("{}\n", line.name)).collect(),
        (format, _) if format.is_empty() || format.starts_with("table") => {
            let rows: Vec<Row> = lines.iter().map(|line| row(line, format.len() <= "table".len())).collect();
            LIST.render(format, false, &rows).map_err(Failure::from)?
        }
        (format, _) => {
            let mut text = String::new();
            for line in &lines {
                if format == "json" {
                    text.push_str(&serde_json::to_string(line).map_err(|error| Failure::of(&error))?);
                    text.push('\n');
                } else {
                    let document = serde_json::to_string(line).map_err(|error| Failure::of(&error))?;
                    text.push_str(&render_document(format, &document).map_err(Failure::from)?);
                }
            }
            text
        }
    };
    context.print(&text)?;
    if variable("DOCKER_HOST").is_some() && !typed.is_on("quiet") {
        eprintln!(
            "Warning: DOCKER_HOST environment variable overrides the active context. To use a context, either set the global --context flag, or unset DOCKER_HOST environment variable."
        );
    }
    Ok(0)
}

fn lines(context: &Context) -> Result<Vec<Line>, Failure> {
    let store = Store::new(&context.needed_config_directory()?);
    let current = context.context_name();
    let mut metas = store.all().map_err(Failure::from)?;
    metas.push(existing(context, &store, DEFAULT)?.0);
    let mut lines: Vec<Line> = metas
        .iter()
        .map(|meta| Line {
            current: meta.name == current,
            description: meta.description().to_owned(),
            docker_endpoint: meta.docker().host,
            error: String::new(),
            name: meta.name.clone(),
        })
        .collect();
    if !lines.iter().any(|line| line.current) {
        let error = store.read(&current).err().map(|error| clipped(&chain(&error))).unwrap_or_default();
        lines.push(Line { current: true, error, name: current, ..Line::default() });
    }
    lines.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(lines)
}

fn clipped(text: &str) -> String {
    if text.chars().count() <= ERROR_MAX {
        return text.to_owned();
    }
    text.chars().take(ERROR_MAX - 1).chain(['…']).collect()
}

/// A row of the table; Docker's own marks the one in use with a star.
fn row(line: &Line, star: bool) -> Row {
    let mark = if star && line.current { " *" } else { "" };
    Row::default()
        .with("Name", format!("{}{mark}", line.name))
        .with("Current", if line.current { "true" } else { "" })
        .with("Description", line.description.as_str())
        .with("DockerEndpoint", line.docker_endpoint.as_str())
        .with("Error", line.error.as_str())
}
