//! What `run`, `start -a`, `attach` and `exec` share once a process runs: following it to its end.

use crate::client::{Process, Streams};
use crate::context::Context;
use crate::failure::Failure;
use crate::foreground::{Caught, DetachKeys, Ended, Foreground, Own, input_is_terminal, pump};
use docker_model::ContainerConfig;
use std::io;
use std::os::fd::AsFd;

/// A process with streams of ours.
pub(super) struct Streamed {
    pub(super) process: Process,
    pub(super) caught: Caught,
    pub(super) stdin: bool,
    pub(super) keys: DetachKeys,
    /// We promised to remove the container at its end, if it is to be removed.
    pub(super) remove: bool,
}

/// The streams that a request attaches.
pub(super) fn streams_of(config: &ContainerConfig) -> Streams {
    Streams {
        stdin: config.attach_stdin,
        stdout: config.attach_stdout,
        stderr: config.attach_stderr && !config.tty,
    }
}

/// Docker's refusal to give a container a terminal whose input is none.
pub(super) fn check_terminal(stdin: bool, tty: bool) -> Result<(), Failure> {
    if stdin && tty && !input_is_terminal() {
        return Err(Failure::new("the input device is not a TTY"));
    }
    Ok(())
}

/// Follows the process to its end; the exit code is its own.
pub(super) fn follow(context: &Context, what: Streamed) -> Result<u8, Failure> {
    let Streamed { mut process, caught, stdin, keys, remove } = what;
    let Some(stream) = process.stream.as_deref_mut() else { return Ok(0) };
    let client = context.client()?;
    let id = process.id.clone();
    let forward = |number: i32| {
        // A container that has just ended is no longer there to be told.
        let _ = client.kill(&id, &number.to_string());
    };
    let (input, output, error) = (io::stdin(), io::stdout(), io::stderr());
    let own = Own { input: input.as_fd(), output: output.as_fd(), error: error.as_fd() };
    let ended = pump(Foreground {
        stream,
        signals: &caught,
        stdin,
        tty: process.tty,
        detach: keys,
        forward: &forward,
        own,
    })?;
    match ended {
        Ended::Exited(code) => {
            if remove && process.auto_remove {
                // The command has ended, and its code is the answer; what stays is removed by the next command.
                if let Err(failure) = client.finish(&process.id) {
                    context.warn(&format!("cannot remove the container: {}", failure.message));
                }
            }
            Ok((code & 0xff) as u8)
        }
        Ended::Detached => {
            // Docker's words; the prompt of the container may stand on the line.
            eprintln!("\nread escape sequence");
            Ok(0)
        }
        // 128 plus SIGPIPE: what a shell shows of a program whose reader has gone.
        Ended::OutputClosed => Ok(141),
        Ended::Lost => Err(Failure::new(format!(
            "the monitor of container {} went away; its end is recorded by the next command that touches it (`sampan system check` shows it)",
            short(&process.id)
        ))
        .with_code(125)),
    }
}

pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
