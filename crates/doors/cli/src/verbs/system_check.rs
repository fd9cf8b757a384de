//! `system check`: is everything accounted for, and with `--repair`, put right what is not.

use crate::args::{Arity, Typed, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::render::{Column, List, Row};
use clap::Command;
use engine::system::{CheckReport, Problem};

/// The verb.
pub(crate) static SYSTEM_CHECK: Verb = Verb {
    name: "check",
    spellings: &["sampan system check"],
    usage: "[OPTIONS]",
    about: "Look for anything that is lost, damaged or left over",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "Problem", header: "PROBLEM" },
        Column { name: "Subject", header: "SUBJECT" },
        Column { name: "Detail", header: "DETAIL" },
        Column { name: "Repair", header: "REPAIR" },
    ],
    default: &["Problem", "Subject", "Detail"],
    quiet: "Subject",
};

/// The table with `--repair`.
const WITH_REPAIR: [&str; 4] = ["Problem", "Subject", "Repair", "Detail"];

fn define(command: Command) -> Command {
    command
        .arg(switch("deep", '\0', "Also read every blob and compare it with its digest"))
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(switch("quiet", 'q', "Only display what is concerned"))
        .arg(switch("repair", '\0', "Put right what is found"))
}

/// Exit code 1 when something is, and stays, wrong.
fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let report = context
        .engine()?
        .check(typed.is_on("repair"), typed.is_on("deep"))
        .map_err(|error| Failure::of(&error))?;
    let (format, quiet) = (typed.text("format").unwrap_or_default(), typed.is_on("quiet"));
    if report.problems.is_empty() && format.is_empty() && !quiet {
        context.line("Nothing is wrong.")?;
        return Ok(0);
    }
    let rows: Vec<Row> = report.problems.iter().map(row).collect();
    let default: &[&str] = if typed.is_on("repair") { &WITH_REPAIR } else { LIST.default };
    context.print(&LIST.render_with(default, format, quiet, &rows).map_err(Failure::from)?)?;
    if format.is_empty() && !quiet {
        context.line(&summary(&report, typed.is_on("repair")))?;
    }
    Ok(u8::from(!report.is_clean()))
}

fn row(problem: &Problem) -> Row {
    let repair = match &problem.repair {
        None => String::new(),
        Some(Ok(())) => "done".to_owned(),
        Some(Err(reason)) => format!("failed: {reason}"),
    };
    Row::default()
        .with("Problem", problem.kind.as_str())
        .with("Subject", problem.subject.as_str())
        .with("Detail", problem.detail.as_str())
        .with("Repair", repair)
}

fn summary(report: &CheckReport, repaired: bool) -> String {
    let found = report.problems.len();
    let (noun, them) = if found == 1 { ("problem", "it") } else { ("problems", "them") };
    let left = report.problems.iter().filter(|problem| problem.repair != Some(Ok(()))).count();
    match (repaired, left) {
        (false, _) => format!("\n{found} {noun}. Put {them} right with 'sampan system check --repair'."),
        (true, 0) => format!("\n{found} {noun}, all put right."),
        (true, left) => format!("\n{found} {noun}, {left} remain."),
    }
}
