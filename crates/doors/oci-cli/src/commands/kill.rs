//! `kill`: a signal for the container (runtime.md, "Kill").

use super::Context;
use crate::error::CliError;
use crate::id::BundleId;
use crate::{groups, process};
use rustix::io::Errno;
use std::os::fd::AsFd;

pub(super) fn kill(context: &Context<'_>, id: &BundleId, signal: i32, all: bool) -> Result<(), CliError> {
    let container = context.store.open(id)?;
    let record = container.created_record()?;
    if all {
        return kill_all(record.cgroup.as_ref(), signal);
    }
    let send = || {
        let pidfd = process::open(record.pid, record.start_time)?;
        kernel::process::send_signal(pidfd.as_fd(), signal)
    };
    match send() {
        Ok(()) => Ok(()),
        Err(Errno::SRCH) => Err(CliError::NotRunning { id: id.as_str().to_owned() }),
        Err(other) => Err(CliError::process("send the signal")(other)),
    }
}

/// Every process of the group; none is no error, as engines call this to be sure.
fn kill_all(path: Option<&cgroup::GroupPath>, signal: i32) -> Result<(), CliError> {
    const SIGKILL: i32 = 9;
    let Some(group) = groups::open(path)? else { return Ok(()) };
    if signal == SIGKILL {
        return Ok(group.kill()?);
    }
    for pid in group.processes()? {
        let pidfd = kernel::process::pidfd_open(pid.as_raw_nonzero().get());
        match pidfd.and_then(|pidfd| kernel::process::send_signal(pidfd.as_fd(), signal)) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(other) => return Err(CliError::process("send the signal")(other)),
        }
    }
    Ok(())
}
