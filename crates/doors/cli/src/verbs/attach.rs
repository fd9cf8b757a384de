//! `attach`: joins the streams of a running container.

use super::foreground::{Streamed, check_terminal, follow};
use crate::args::{Arity, Typed, Verb, switch, switch_on, text};
use crate::client::Streams;
use crate::context::Context;
use crate::failure::Failure;
use crate::foreground::{Caught, DetachKeys};
use clap::Command;

/// The verb.
pub(crate) static ATTACH: Verb = Verb {
    name: "attach",
    spellings: &["sampan container attach", "sampan attach"],
    usage: "[OPTIONS] CONTAINER",
    about: "Attach local standard input, output, and error streams to a running container",
    define,
    refused: &[],
    arity: Arity::Exactly(1),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(text("detach-keys", '\0', "string", "Override the key sequence for detaching a container"))
        .arg(switch("no-stdin", '\0', "Do not attach STDIN"))
        .arg(switch_on("sig-proxy", '\0', "Proxy all received signals to the process (default true)"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let client = context.client()?;
    let name = typed.argument(0).unwrap_or_default();
    let keys = DetachKeys::parse(context.detach_keys(typed)).map_err(|error| Failure::of(&error))?;
    let (tty, open_stdin) = client.stdio(name)?;
    let stdin = open_stdin && !typed.is_on("no-stdin");
    check_terminal(stdin, tty)?;
    let caught = Caught::new(typed.is_on("sig-proxy"))
        .map_err(|errno| Failure::new(format!("cannot catch signals: {errno}")))?;
    let mut process = client.attach(name, Streams { stdin, stdout: true, stderr: !tty })?;
    if let (true, Some((rows, columns)), Some(stream)) =
        (tty, crate::foreground::size(), process.stream.as_deref_mut())
    {
        // A size that changes makes programs draw anew what this terminal has not seen, as Docker does. An error means
        // that it has just ended; the end of the stream tells.
        let _ = stream.resize(rows.saturating_add(1), columns.saturating_add(1));
        let _ = stream.resize(rows, columns);
    }
    // Whoever started it removes it.
    follow(context, Streamed { process, caught, stdin, keys, remove: false })
}
