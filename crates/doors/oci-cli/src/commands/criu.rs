//! `checkpoint` and `restore`: what CRIU would do, and why it is not done.

use super::Context;
use crate::error::CliError;
use crate::id::BundleId;
use crate::store::Status;
use std::process::{Command, Stdio};

pub(super) fn checkpoint(context: &Context<'_>, id: &BundleId) -> Result<(), CliError> {
    let container = context.store.open(id)?;
    let status = container.status(Some(&container.created_record()?));
    if status != Status::Running {
        return Err(container.wrong(status, "only a running one can be checkpointed"));
    }
    refuse("checkpoint")
}

pub(super) fn restore(context: &Context<'_>, id: &BundleId) -> Result<(), CliError> {
    match context.store.open(id) {
        Ok(_) => Err(CliError::Exists { id: id.as_str().to_owned() }),
        Err(CliError::NotFound { .. }) => refuse("restore"),
        Err(other) => Err(other),
    }
}

/// Asks the host's criu whether it could work, and tells its reason.
fn refuse(what: &'static str) -> Result<(), CliError> {
    let checked = Command::new("criu").arg("check").stdin(Stdio::null()).output();
    let reason = match checked {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "criu is not installed; install it (4.1 or newer for kernels from 6.13 on)".to_owned()
        }
        Err(error) => format!("criu cannot be executed: {error}"),
        Ok(output) if output.status.success() => {
            "criu would work here, and this runtime does not drive it yet".to_owned()
        }
        Ok(output) => {
            let said = [output.stderr, output.stdout].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            let error = said.lines().find(|line| line.contains("Error")).or(said.lines().last());
            format!("criu cannot work on this host: {}", error.unwrap_or("it does not say why").trim())
        }
    };
    Err(CliError::Criu { what, reason })
}
