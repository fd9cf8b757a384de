//! `start`: the created container executes its program (runtime.md, "Start").

use super::Context;
use crate::error::CliError;
use crate::id::BundleId;
use crate::store::{GATE, Status};
use runtime::hooks::{self, HookState};
use std::os::fd::AsFd;

pub(super) fn start(context: &Context<'_>, id: &BundleId) -> Result<(), CliError> {
    let container = context.store.open(id)?;
    let record = container.created_record()?;
    let status = container.status(Some(&record));
    if status != Status::Created {
        return Err(container.wrong(status, "only a created container can be started"));
    }
    let spec = container.config()?;
    let program = spec.process.as_ref().and_then(|process| process.args.first());
    let gate = kernel::seqpacket::connect(container.directory(), GATE)
        .map_err(CliError::process("reach the waiting process"))?;
    let started = runtime::start_at(gate.as_fd(), program.map_or("", String::as_str));
    container.remove_gate()?;
    started?;
    let hooks = spec.hooks.as_ref().map_or(&[][..], |hooks| &hooks.poststart);
    let state = HookState {
        id: id.as_str(),
        bundle: &record.bundle,
        pid: record.pid,
        status: "running",
        spec: &spec,
    };
    Ok(hooks::run(hooks, &state)?)
}
