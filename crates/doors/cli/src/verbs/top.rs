//! `top`: the processes of a container.

use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;
use crate::render::{Column, List, Row};

/// The verb.
pub(crate) static TOP: Verb = Verb {
    name: "top",
    spellings: &["sampan container top", "sampan top"],
    usage: "CONTAINER",
    about: "Display the running processes of a container",
    define: |command| command,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

const LIST: List = List {
    columns: &[Column { name: "PID", header: "PID" }, Column { name: "CMD", header: "CMD" }],
    default: &["PID", "CMD"],
    quiet: "PID",
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    if let Some(option) = typed.argument(1) {
        return Err(Failure::new(format!(
            "options of ps ({option}) are not supported by this version of sampan: it reads /proc itself"
        )));
    }
    let name = typed.argument(0).unwrap_or_default();
    let processes = context.engine()?.processes(name).map_err(|error| Failure::of(&error))?;
    let rows: Vec<Row> = processes
        .iter()
        .map(|process| {
            Row::default().with("PID", process.pid.to_string()).with("CMD", process.command.as_str())
        })
        .collect();
    context.print(&LIST.render("", false, &rows).map_err(|error| Failure::of(&error))?)?;
    Ok(0)
}
