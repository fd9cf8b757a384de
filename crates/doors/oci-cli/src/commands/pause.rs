//! `pause` and `resume`: all processes of a container halt, and go on.

use super::Context;
use crate::error::CliError;
use crate::groups;
use crate::id::BundleId;
use crate::store::Status;
use cgroup::Group;

pub(super) fn pause(context: &Context<'_>, id: &BundleId) -> Result<(), CliError> {
    Ok(group(context, id, &[Status::Running, Status::Created], "only a running one can be paused")?
        .freeze()?)
}

pub(super) fn resume(context: &Context<'_>, id: &BundleId) -> Result<(), CliError> {
    // A created container that was paused is still shown as created: its gate is there.
    Ok(group(context, id, &[Status::Paused, Status::Created], "only a paused one can be resumed")?.thaw()?)
}

fn group(
    context: &Context<'_>,
    id: &BundleId,
    allowed: &[Status],
    needed: &'static str,
) -> Result<Group, CliError> {
    let container = context.store.open(id)?;
    let record = container.created_record()?;
    let status = container.status(Some(&record));
    if !allowed.contains(&status) {
        return Err(container.wrong(status, needed));
    }
    groups::open(record.cgroup.as_ref())?
        .ok_or_else(|| CliError::Unsupported { what: "pausing a container without a cgroup".to_owned() })
}
