//! `start`: starts containers again.

use super::each::each;
use super::foreground::{Streamed, check_terminal, follow};
use crate::args::{Arity, Refused, Typed, Verb, switch, switch_on, text};
use crate::client::{StartQuery, Streams};
use crate::context::Context;
use crate::failure::Failure;
use crate::foreground::{Caught, DetachKeys};
use clap::Command;

/// The verb.
pub(crate) static START: Verb = Verb {
    name: "start",
    spellings: &["sampan container start", "sampan start"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Start one or more stopped containers",
    define,
    refused: &[
        Refused { name: "checkpoint", short: '\0', reason: "checkpoints come later" },
        Refused { name: "checkpoint-dir", short: '\0', reason: "checkpoints come later" },
    ],
    arity: Arity::AtLeast(1),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(switch("attach", 'a', "Attach STDOUT/STDERR and forward signals"))
        .arg(text("detach-keys", '\0', "string", "Override the key sequence for detaching a container"))
        .arg(switch("interactive", 'i', "Attach container's STDIN"))
        .arg(switch_on("sig-proxy", '\0', "Proxy received signals to the process").hide(true))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let client = context.client()?;
    let (output, input) = (typed.is_on("attach"), typed.is_on("interactive"));
    if !output && !input {
        return each(context, typed, |name| {
            client.start(name, &StartQuery::default()).map(|_| ()).map_err(plain)
        });
    }
    let names = typed.arguments();
    let [name] = names[..] else {
        return Err(Failure::new("you cannot start and attach multiple containers at once"));
    };
    let keys = DetachKeys::parse(context.detach_keys(typed)).map_err(|error| Failure::of(&error))?;
    let (tty, open_stdin) = client.stdio(name)?;
    let stdin = input && open_stdin;
    check_terminal(stdin, tty)?;
    let caught = Caught::new(typed.is_on("sig-proxy"))
        .map_err(|errno| Failure::new(format!("cannot catch signals: {errno}")))?;
    let query = StartQuery {
        streams: Streams { stdin, stdout: true, stderr: !tty },
        terminal_size: crate::foreground::size().filter(|_| tty),
        wait: true,
    };
    let process = client.start(name, &query)?;
    follow(context, Streamed { process, caught, stdin, keys, remove: true })
}

/// Without `-a`, every failure is 1, as Docker has it.
fn plain(failure: Failure) -> Failure {
    failure.with_code(1)
}
