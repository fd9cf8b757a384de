//! `history`: how an image came about.

use crate::args::{Arity, Typed, Verb, switch, switch_on, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::render::units::{human_duration, short_size};
use crate::render::width::ellipsis;
use crate::render::{Column, List, Row};
use clap::Command;
use engine::image::{GetError, HistoryStep, parse_platform, platform_text};

/// The verb.
pub(crate) static HISTORY: Verb = Verb {
    name: "history",
    spellings: &["sampan image history", "sampan history"],
    usage: "[OPTIONS] IMAGE",
    about: "Show the history of an image",
    define,
    refused: &[],
    arity: Arity::Exactly(1),
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "ID", header: "IMAGE" },
        Column { name: "CreatedSince", header: "CREATED" },
        Column { name: "CreatedAt", header: "CREATED AT" },
        Column { name: "CreatedBy", header: "CREATED BY" },
        Column { name: "Size", header: "SIZE" },
        Column { name: "Comment", header: "COMMENT" },
    ],
    default: &["ID", "CreatedSince", "CreatedBy", "Size", "Comment"],
    quiet: "ID",
};

/// The table with `--human=false`.
const EXACT: [&str; 5] = ["ID", "CreatedAt", "CreatedBy", "Size", "Comment"];
/// What commands are cut to.
const COMMAND_MAX: usize = 45;
/// 2000-01-01: a time before it is a builder's way to say nothing.
const EPOCH: i64 = 946_684_800;

fn define(command: Command) -> Command {
    command
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(switch_on("human", 'H', "Print sizes and dates in human readable format"))
        .arg(switch("no-trunc", '\0', "Don't truncate output"))
        .arg(text("platform", '\0', "string", "Show history for the given platform, like linux/arm64"))
        .arg(switch("quiet", 'q', "Only show image IDs"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let name = typed.argument(0).unwrap_or_default();
    let failed = |error: GetError| Failure::of(&error);
    let images = context.engine()?.images().map_err(|error| Failure::of(&error))?;
    if let Some(wanted) = typed.parsed("platform", parse_platform)? {
        let has = images.get(name).map_err(failed)?.platform();
        let fits = has.os == wanted.os
            && has.architecture == wanted.architecture
            && (wanted.variant.is_none() || has.variant == wanted.variant);
        if !fits {
            return Err(Failure::new(format!(
                "image with reference {name} was found but does not provide the specified platform ({})",
                platform_text(&wanted)
            )));
        }
    }
    let human = typed.is_on("human");
    let whole = typed.is_on("no-trunc");
    let now = jiff::Timestamp::now().as_second();
    let steps = images.history(name).map_err(failed)?;
    let rows: Vec<Row> = steps.iter().map(|step| row(step, human, whole, now)).collect();
    let default: &[&str] = if human { LIST.default } else { &EXACT };
    let format = typed.text("format").unwrap_or_default();
    let text = LIST.render_with(default, format, typed.is_on("quiet"), &rows);
    context.print(&text.map_err(|error| Failure::of(&error))?)?;
    Ok(0)
}

fn row(step: &HistoryStep, human: bool, whole: bool, now: i64) -> Row {
    let id = match &step.id {
        Some(id) if whole => id.to_string(),
        Some(id) => id.short().to_owned(),
        None => "<missing>".to_owned(),
    };
    let made = step.step.created.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    // Go's zero time, where there is none.
    let seconds = made.map_or(-62_135_596_800, jiff::Timestamp::as_second);
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    let offset = if at.offset().is_zero() { "Z".to_owned() } else { at.strftime("%:z").to_string() };
    let at = format!("{}{offset}", at.strftime("%Y-%m-%dT%H:%M:%S"));
    let since = match seconds {
        _ if !human => at.clone(),
        ..=EPOCH => String::new(),
        _ => format!("{} ago", human_duration(now - seconds)),
    };
    let command = step.step.created_by.clone().unwrap_or_default().replace('\t', " ");
    let command = if whole { command } else { ellipsis(&command, COMMAND_MAX) };
    Row::default()
        .with("ID", id)
        .with("CreatedSince", since)
        .with("CreatedAt", at)
        .with("CreatedBy", command)
        .with("Size", if human { short_size(step.size) } else { step.size.to_string() })
        .with("Comment", step.step.comment.clone().unwrap_or_default())
}
