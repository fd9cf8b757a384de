//! `logs`: what a container has printed.

use crate::args::{Arity, Typed, Verb, switch, text};
use crate::client::{LogEntry, LogQuery, LogStream};
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;
use std::io::{self, Write};

/// The verb.
pub(crate) static LOGS: Verb = Verb {
    name: "logs",
    spellings: &["sampan container logs", "sampan logs"],
    usage: "[OPTIONS] CONTAINER",
    about: "Fetch the logs of a container",
    define,
    refused: &[],
    arity: Arity::Exactly(1),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(switch("details", '\0', "Show extra details provided to logs"))
        .arg(switch("follow", 'f', "Follow log output"))
        .arg(text("since", '\0', "string", "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)"))
        .arg(text("tail", 'n', "string", "Number of lines to show from the end of the logs").default_value("all"))
        .arg(switch("timestamps", 't', "Show timestamps"))
        .arg(text("until", '\0', "string", "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let now = jiff::Timestamp::now();
    let tail = match typed.text("tail").unwrap_or("all") {
        "all" => None,
        // As in Docker, what is no number of lines means all of them.
        text => text.parse::<usize>().ok(),
    };
    // In Docker the server looks at it, so that it is no mistake of the command line (125).
    let moment = |flag: &str| {
        typed
            .parsed(flag, |text| crate::moment::parse(text, now))
            .map_err(|error| Failure::from(error).with_code(1))
    };
    let query = LogQuery {
        stdout: true,
        stderr: true,
        follow: typed.is_on("follow"),
        since: moment("since")?,
        until: moment("until")?,
        tail,
    };
    let name = typed.argument(0).unwrap_or_default();
    let entries = context.client()?.logs(name, &query)?;
    let shown = Shown { timestamps: typed.is_on("timestamps"), details: typed.is_on("details") };
    let (mut out, mut err) = (io::BufWriter::new(io::stdout().lock()), io::stderr().lock());
    for entry in entries {
        let entry = entry?;
        let result = match entry.stream {
            LogStream::Stdout => write_entry(&mut out, &entry, shown),
            LogStream::Stderr => out.flush().and_then(|()| write_entry(&mut err, &entry, shown)),
        };
        // A reader that follows must see each entry at once.
        let result = if query.follow { result.and_then(|()| out.flush()) } else { result };
        check(result)?;
    }
    check(out.flush())?;
    Ok(0)
}

/// What is shown before each line.
#[derive(Clone, Copy)]
struct Shown {
    timestamps: bool,
    /// The attributes that the log driver keeps with each line, then a blank. `json-file` keeps some only with its
    /// options `labels` and `env`, which are refused, so there is the blank alone.
    details: bool,
}

fn write_entry(out: &mut impl Write, entry: &LogEntry, shown: Shown) -> io::Result<()> {
    if shown.timestamps {
        out.write_all(entry.time.as_bytes())?;
        out.write_all(b" ")?;
    }
    if shown.details {
        out.write_all(b" ")?;
    }
    out.write_all(&entry.bytes)
}

fn check(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::silent(141)),
        other => other.map_err(|error| Failure::new(format!("cannot write the log: {error}"))),
    }
}
