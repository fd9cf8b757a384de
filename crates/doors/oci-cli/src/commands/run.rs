//! `run`: create, start, and unless told otherwise wait and delete.

use super::{Context, delete, launch};
use crate::arguments::{CreateOptions, RunOptions};
use crate::error::CliError;
use crate::foreground::{self, Signals};
use runtime::hooks::{self, HookState};
use std::os::fd::AsFd;

pub(super) fn run(context: &Context<'_>, options: &CreateOptions, run: &RunOptions) -> Result<i32, CliError> {
    if run.detach {
        check_detached(options)?;
    }
    let signals = if run.detach { None } else { Some(Signals::collect()?) };
    let mut made = launch::make(context, options, false)?;
    let terminal = if options.console_socket.is_some() { None } else { made.created.terminal() };
    if run.detach && terminal.is_some() {
        delete::destroy(made.container, &made.record, None)?;
        return Err(CliError::Usage { problem: "a detached terminal needs --console-socket".to_owned() });
    }
    let started = match made.created.start() {
        Ok(started) => started,
        Err(error) => {
            delete::destroy(made.container, &made.record, made.group.as_ref())?;
            return Err(error.into());
        }
    };
    let spec = &made.bundle.spec;
    let state = HookState {
        id: options.id.as_str(),
        bundle: &made.record.bundle,
        pid: started.pid,
        status: "running",
        spec,
    };
    let poststart = spec.hooks.as_ref().map_or(&[][..], |hooks| &hooks.poststart);
    if let Err(error) = hooks::run(poststart, &state) {
        let _ = kernel::process::send_signal(started.pidfd.as_fd(), 9);
        delete::destroy(made.container, &made.record, made.group.as_ref())?;
        return Err(error.into());
    }
    let Some(signals) = signals else { return Ok(0) };
    let code = foreground::wait(started.pidfd.as_fd(), terminal, &signals)?;
    if !run.keep {
        delete::destroy(made.container, &made.record, made.group.as_ref())?;
        delete::poststop(context, options.id.as_str(), &made.record, spec);
    }
    Ok(code)
}

/// What can be seen to be wrong before anything is made.
fn check_detached(options: &CreateOptions) -> Result<(), CliError> {
    let bundle = crate::bundle::Bundle::read(&options.bundle, &options.config)?;
    let terminal = bundle.spec.process.as_ref().is_some_and(|process| process.terminal);
    if terminal && options.console_socket.is_none() {
        return Err(CliError::Usage { problem: "a detached terminal needs --console-socket".to_owned() });
    }
    Ok(())
}
