//! `exec`: executes a command in a running container.

use super::foreground::{Streamed, check_terminal, follow};
use crate::args::{Arity, Typed, Verb, list, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::foreground::{Caught, DetachKeys};
use crate::parse;
use clap::Command;
use docker_model::ExecCreateRequest;
use std::path::Path;

/// The verb.
pub(crate) static EXEC: Verb = Verb {
    name: "exec",
    spellings: &["sampan container exec", "sampan exec"],
    usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
    about: "Execute a command in a running container",
    define,
    refused: &[],
    arity: Arity::Trailing(2),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(switch("detach", 'd', "Detached mode: run command in the background"))
        .arg(text("detach-keys", '\0', "string", "Override the key sequence for detaching a container"))
        .arg(list("env", 'e', "list", "Set environment variables"))
        .arg(list("env-file", '\0', "list", "Read in a file of environment variables"))
        .arg(switch("interactive", 'i', "Keep STDIN open even if not attached"))
        .arg(switch("privileged", '\0', "Give extended privileges to the command"))
        .arg(switch("tty", 't', "Allocate a pseudo-TTY"))
        .arg(text("user", 'u', "string", "Username or UID (format: \"<name|uid>[:<group|gid>]\")"))
        .arg(text("workdir", 'w', "string", "Working directory inside the container"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let arguments = typed.arguments();
    let Some((container, command)) = arguments.split_first() else { return Ok(0) };
    let keys =
        DetachKeys::parse(context.detach_keys(typed)).map_err(|error| Failure::of(&error).with_code(125))?;
    let request = request(typed, command)?;
    check_terminal(request.attach_stdin, request.tty)?;
    let client = context.client()?;
    if request.detach {
        client.exec(container, &request)?;
        return Ok(0);
    }
    let caught =
        Caught::new(false).map_err(|errno| Failure::new(format!("cannot catch signals: {errno}")))?;
    let process = client.exec(container, &request)?;
    // The command ends; the container goes on.
    follow(context, Streamed { process, caught, stdin: request.attach_stdin, keys, remove: false })
}

fn request(typed: &Typed, command: &[&str]) -> Result<ExecCreateRequest, Failure> {
    let mut env = Vec::new();
    for file in typed.list("env-file") {
        env.extend(
            parse::env_file(Path::new(file), true).map_err(|error| Failure::of(&error).with_code(125))?,
        );
    }
    env.extend(typed.parsed_list("env", parse::env_entry)?);
    let (detach, tty) = (typed.is_on("detach"), typed.is_on("tty"));
    Ok(ExecCreateRequest {
        user: typed.text_or_empty("user"),
        privileged: typed.is_on("privileged"),
        tty,
        console_size: crate::foreground::size().filter(|_| tty).map(|(rows, columns)| [rows, columns]),
        attach_stdin: !detach && typed.is_on("interactive"),
        attach_stdout: !detach,
        attach_stderr: !detach && !tty,
        detach,
        detach_keys: typed.text_or_empty("detach-keys"),
        env: Some(env).filter(|env: &Vec<String>| !env.is_empty()),
        working_dir: typed.text_or_empty("workdir"),
        cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
    })
}
