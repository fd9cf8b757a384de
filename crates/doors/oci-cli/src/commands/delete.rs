//! `delete`: what is left of a container goes (runtime.md, "Delete").

use super::Context;
use crate::error::CliError;
use crate::groups;
use crate::id::BundleId;
use crate::process;
use crate::store::{Container, Record, RootMount, Status};
use cgroup::Group;
use runtime::hooks::{self, HookState};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use spec::runtime::Spec;
use std::os::fd::AsFd;

const SIGKILL: i32 = 9;
/// How long a killed process may take to end; the kernel may have much memory to free.
const END_SECONDS: i64 = 10;

pub(super) fn delete(context: &Context<'_>, id: &BundleId, force: bool) -> Result<(), CliError> {
    let container = match context.store.open(id) {
        // Engines delete by force to be sure, not to learn what they know.
        Err(CliError::NotFound { .. }) if force => return Ok(()),
        opened => opened?,
    };
    let record = container.record()?;
    let status = container.status(record.as_ref());
    if status != Status::Stopped && !force {
        return Err(container.wrong(status, "stop it first, or use --force"));
    }
    let spec = container.config().ok();
    let Some(record) = record else {
        if let Some(spec) = &spec {
            groups::remove_unrecorded(spec, id)?;
        }
        return container.remove();
    };
    if status != Status::Stopped {
        kill(&record)?;
    }
    let group = groups::open(record.cgroup.as_ref())?;
    destroy(container, &record, group.as_ref())?;
    if let Some(spec) = spec {
        poststop(context, id.as_str(), &record, &spec);
    }
    Ok(())
}

/// Kills the first process and waits for its end; the others of its pid namespace end with it.
fn kill(record: &Record) -> Result<(), CliError> {
    let pidfd = match process::open(record.pid, record.start_time) {
        Ok(pidfd) => pidfd,
        Err(Errno::SRCH) => return Ok(()),
        Err(other) => return Err(CliError::process("open the process")(other)),
    };
    match kernel::process::send_signal(pidfd.as_fd(), SIGKILL) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(other) => return Err(CliError::process("kill the process")(other)),
    }
    let timeout = Timespec { tv_sec: END_SECONDS, tv_nsec: 0 };
    match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)) {
        Ok(0) => Err(CliError::process("wait for the end of the killed process")(Errno::TIMEDOUT)),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(other) => Err(CliError::process("wait for the end of the killed process")(other)),
    }
}

/// Removes the group with all that runs in it, and the record. What cannot be removed does not keep the rest.
pub(super) fn destroy(container: Container, record: &Record, group: Option<&Group>) -> Result<(), CliError> {
    let opened = if group.is_none() { groups::open(record.cgroup.as_ref())? } else { None };
    let emptied = group.or(opened.as_ref()).map_or(Ok(()), groups::remove);
    record.root_mount.as_ref().map_or(Ok(()), RootMount::remove)?;
    // Without a group that is gone the container stays on record, so that it can be tried again.
    emptied?;
    container.remove()
}

/// Runs the hooks of the end; a failure is told and changes nothing (runtime.md, "Lifecycle", step 13).
pub(super) fn poststop(context: &Context<'_>, id: &str, record: &Record, spec: &Spec) {
    let Some(hooks) = &spec.hooks else { return };
    let state = HookState { id, bundle: &record.bundle, pid: 0, status: "stopped", spec };
    for hook in &hooks.poststop {
        if let Err(error) = hooks::run(std::slice::from_ref(hook), &state) {
            context.warn(&crate::error::chain(&error));
        }
    }
}
