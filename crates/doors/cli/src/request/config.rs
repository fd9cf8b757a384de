//! What does not depend on the host.

use super::{health, refuse};
use crate::args::Typed;
use crate::failure::Failure;
use crate::parse;
use docker_model::{ContainerConfig, Empty, StringMap};
use std::collections::BTreeMap;
use std::path::Path;

pub(super) fn container(typed: &Typed) -> Result<ContainerConfig, Failure> {
    let (image, command) = match typed.arguments().split_first() {
        Some((image, command)) => {
            ((*image).to_owned(), command.iter().map(|word| (*word).to_owned()).collect())
        }
        None => (String::new(), Vec::new()),
    };
    let attached = attached(typed)?;
    let open_stdin = typed.is_on("interactive");
    Ok(ContainerConfig {
        hostname: typed.text_or_empty("hostname"),
        domainname: typed.text_or_empty("domainname"),
        user: typed.text_or_empty("user"),
        attach_stdin: attached.stdin,
        attach_stdout: attached.stdout,
        attach_stderr: attached.stderr,
        exposed_ports: exposed(typed)?,
        tty: typed.is_on("tty"),
        open_stdin,
        stdin_once: open_stdin && attached.stdin,
        env: Some(environment(typed)?),
        cmd: Some(command).filter(|command: &Vec<String>| !command.is_empty()),
        healthcheck: health::healthcheck(typed)?,
        image,
        working_dir: typed.text_or_empty("workdir"),
        // An empty text clears the image's.
        entrypoint: typed
            .text("entrypoint")
            .map(|text| if text.is_empty() { vec![] } else { vec![text.to_owned()] }),
        labels: Some(labels(typed)?),
        stop_signal: typed.text_or_empty("stop-signal"),
        stop_timeout: typed.parsed("stop-timeout", parse::integer)?,
        ..ContainerConfig::default()
    })
}

/// Streams that the command is attached to: those of `-a`, or output unless `-d`, and input with `-i`.
#[derive(Debug, Clone, Copy, Default)]
struct Attach {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

fn attached(typed: &Typed) -> Result<Attach, Failure> {
    let mut attach = Attach::default();
    for stream in typed.list("attach") {
        match stream.to_ascii_lowercase().as_str() {
            "stdin" => attach.stdin = true,
            "stdout" => attach.stdout = true,
            "stderr" => attach.stderr = true,
            _ => {
                return Err(refuse(format!(
                    "invalid argument {stream:?} for \"-a, --attach\" flag: valid streams are STDIN, STDOUT and STDERR"
                )));
            }
        }
    }
    if typed.list("attach").is_empty() && !typed.is_on("detach") {
        attach = Attach { stdin: typed.is_on("interactive"), stdout: true, stderr: true };
    }
    Ok(attach)
}

/// Files first, then flags: a flag overrides a file.
fn environment(typed: &Typed) -> Result<Vec<String>, Failure> {
    let mut variables = Vec::new();
    for file in typed.list("env-file") {
        variables.extend(
            parse::env_file(Path::new(file), true).map_err(|error| Failure::of(&error).with_code(125))?,
        );
    }
    variables.extend(typed.parsed_list("env", parse::env_entry)?);
    Ok(variables)
}

fn labels(typed: &Typed) -> Result<StringMap, Failure> {
    let mut labels = StringMap::new();
    for file in typed.list("label-file") {
        let lines =
            parse::env_file(Path::new(file), false).map_err(|error| Failure::of(&error).with_code(125))?;
        let pair = |line: String| line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        labels.extend(lines.into_iter().filter_map(pair));
    }
    labels.extend(typed.parsed_list("label", parse::key_value)?);
    Ok(labels)
}

fn exposed(typed: &Typed) -> Result<Option<BTreeMap<String, Empty>>, Failure> {
    let complain = |error: parse::InvalidPort| Failure::of(&error).with_code(125);
    let mut ports = BTreeMap::new();
    for text in typed.list("expose") {
        ports.extend(parse::expose(text).map_err(complain)?.into_iter().map(|port| (port, Empty {})));
    }
    for text in typed.list("publish") {
        ports.extend(parse::publish(text).map_err(complain)?.into_keys().map(|port| (port, Empty {})));
    }
    Ok(Some(ports).filter(|ports| !ports.is_empty()))
}
