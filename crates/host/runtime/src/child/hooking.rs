//! Hooks as the child sees them: those that its parent runs meanwhile, and those that it runs itself.

use super::{Fault, HookWork, Outcome, Work};
use crate::channel::{self, FromChild};
use crate::hooks::{self, HookState};
use crate::plan::HookPoint;
use rustix::fs::Mode;
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// Runs the hooks of this point in the container's namespaces.
pub(super) fn run_at(point: HookPoint, work: &Work<'_>, host_pid: i32) -> Outcome {
    let Some(HookWork { spec, context }) = work.hooks else { return Ok(()) };
    let Some(hooks) = &spec.hooks else { return Ok(()) };
    let (hooks, status) = match point {
        HookPoint::CreateContainer => (&hooks.create_container, "creating"),
        HookPoint::StartContainer => (&hooks.start_container, "created"),
    };
    let state = HookState { id: context.id, bundle: context.bundle, pid: host_pid, status, spec };
    let umask = rustix::process::umask(Mode::from_raw_mode(0o022));
    let done = hooks::run(hooks, &state);
    rustix::process::umask(umask);
    done.map_err(|error| Fault { errno: Errno::CANCELED, detail: crate::error::chain(&error) })
}

/// Our number on the host, for as long as the host's `/proc` is at its place.
pub(super) fn host_pid() -> i32 {
    let link = rustix::fs::readlink("/proc/self", Vec::new()).ok();
    link.and_then(|link| link.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// Waits while the parent runs its hooks.
pub(super) fn wait_for_parent(channel: BorrowedFd<'_>) -> Outcome {
    FromChild::AtHooks.send(channel, &[])?;
    if channel::wait_for_go(channel)? { Ok(()) } else { Err(Errno::CANCELED.into()) }
}
