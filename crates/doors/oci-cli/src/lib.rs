//! The OCI runtime command line: what containerd, Podman and other engines drive runc and crun by
//! (runtime.md of runtime-spec, and runc's own command line, which everybody speaks).
//!
//! `sampan-runtime` calls [`main`] with its arguments. Each command is a file below `commands`; what they share is the
//! record of a container in the root directory ([`store`]), the bundle, and the foreground loop. Exit codes are the
//! container's for `run` and `exec` in the foreground, 255 when `exec` fails, and 1 for every other failure.
//!
//! Limits: cgroupfs only, no checkpoints.

mod arguments;
mod bundle;
mod commands;
mod console;
mod error;
mod foreground;
mod groups;
mod id;
mod log;
mod process;
mod signals;
mod store;
mod time;

use arguments::{Command, Invocation};
use std::ffi::OsString;

/// Does what the arguments say (without the program's own name) and returns the exit code.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let invocation = match Invocation::parse(arguments) {
        Ok(invocation) => invocation,
        Err(error) => {
            eprintln!("sampan-runtime: {}", error::chain(&error));
            return 1;
        }
    };
    match commands::perform(&invocation) {
        Ok(code) => code,
        Err(error) => {
            let message = error::chain(&error);
            eprintln!("sampan-runtime: {message}");
            invocation.global.log.write(log::Level::Error, &message);
            failure_code(&invocation.command)
        }
    }
}

/// runc's codes: engines tell a failed `exec` from a program's own code 1 by it.
fn failure_code(command: &Command) -> i32 {
    if matches!(command, Command::Exec(_)) { 255 } else { 1 }
}
