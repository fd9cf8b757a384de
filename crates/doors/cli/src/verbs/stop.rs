//! `stop`: asks containers to end, and makes them.

use super::each::each;
use crate::args::{Arity, Typed, Verb, text};
use crate::client::StopQuery;
use crate::context::Context;
use crate::failure::Failure;
use crate::parse;
use clap::Command;

/// The verb.
pub(crate) static STOP: Verb = Verb {
    name: "stop",
    spellings: &["sampan container stop", "sampan stop"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Stop one or more running containers",
    define,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

/// Also of `restart`.
pub(super) fn define(command: Command) -> Command {
    command
        .arg(text("signal", 's', "string", "Signal to send to the container"))
        .arg(text("timeout", 't', "int", "Seconds to wait before killing the container").alias("time"))
}

/// Also of `restart`.
pub(super) fn stop_query(typed: &Typed) -> Result<StopQuery, Failure> {
    Ok(StopQuery {
        signal: typed.text("signal").filter(|text| !text.is_empty()).map(str::to_owned),
        timeout_seconds: typed.parsed("timeout", parse::integer)?,
    })
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let (client, query) = (context.client()?, stop_query(typed)?);
    each(context, typed, |name| client.stop(name, &query))
}
