//! `ps`: the processes of a container, as the host numbers them.

use super::Context;
use crate::error::CliError;
use crate::groups;
use crate::id::BundleId;

pub(super) fn ps(context: &Context<'_>, id: &BundleId, json: bool) -> Result<(), CliError> {
    let record = context.store.open(id)?.created_record()?;
    let group = groups::open(record.cgroup.as_ref())?;
    let processes = group.map_or(Ok(Vec::new()), |group| group.processes())?;
    let pids: Vec<i32> = processes.into_iter().map(|pid| pid.as_raw_nonzero().get()).collect();
    if json {
        return super::features::print_json(&pids);
    }
    println!("PID    COMMAND");
    for pid in pids {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        println!("{pid:<6} {}", String::from_utf8_lossy(&command).replace('\0', " ").trim_end());
    }
    Ok(())
}
