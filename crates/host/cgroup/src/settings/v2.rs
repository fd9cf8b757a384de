//! Files of version 2.

use super::convert::{checked_weight, cpu_weight, device, io_weight};
use super::{Plan, Setting, Step, setting};
use crate::{CgroupError, Controller};
use spec::runtime::{BlockIo, Cpu, Memory, ThrottleDevice};

/// A v1 setting that v2 has nothing for.
#[expect(clippy::needless_pass_by_value, reason = "numbers are written in place")]
fn only_v1(setting: &'static str, value: impl ToString) -> CgroupError {
    CgroupError::InvalidSetting { setting, value: value.to_string(), rule: "cgroup v2 has no such setting" }
}

/// A count of bytes where -1 means no limit.
fn bytes_or_max(bytes: i64) -> String {
    if bytes < 0 { "max".to_owned() } else { bytes.to_string() }
}

pub(super) fn cpu(cpu: &Cpu, plan: &mut Plan) -> Result<(), CgroupError> {
    const CPU: Controller = Controller::Cpu;
    if let Some(value) = cpu.realtime_runtime.filter(|value| *value != 0) {
        return Err(only_v1("cpu.realtimeRuntime", value));
    }
    if let Some(value) = cpu.realtime_period.filter(|value| *value != 0) {
        return Err(only_v1("cpu.realtimePeriod", value));
    }
    if let Some(idle) = cpu.idle {
        // Before the weight, which an idle group does not take.
        plan.0
            .push(Step::Write(Setting { optional: idle == 0, ..setting(CPU, "cpu.idle", "cpu.idle", idle) }));
    }
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0 && cpu.idle != Some(1)) {
        plan.add(CPU, "cpu.shares", "cpu.weight", cpu_weight(shares));
    }
    let quota = cpu.quota.filter(|quota| *quota != 0);
    let period = cpu.period.filter(|period| *period != 0);
    if quota.is_some() || period.is_some() {
        // A period alone leaves the quota unlimited, as v1 does in a new group.
        let mut value = quota.map_or_else(|| "max".to_owned(), bytes_or_max);
        if let Some(period) = period {
            value.push_str(&format!(" {period}"));
        }
        let optional = quota.is_none_or(|quota| quota < 0) && period.is_none();
        plan.0.push(Step::Write(Setting { optional, ..setting(CPU, "cpu.quota", "cpu.max", value) }));
    }
    if let Some(burst) = cpu.burst {
        let optional = burst == 0;
        plan.0.push(Step::Write(Setting { optional, ..setting(CPU, "cpu.burst", "cpu.max.burst", burst) }));
    }
    Ok(())
}

pub(super) fn memory(memory: &Memory, plan: &mut Plan) -> Result<(), CgroupError> {
    const MEMORY: Controller = Controller::Memory;
    if let Some(tcp) = memory.kernel_tcp.filter(|bytes| *bytes > 0) {
        return Err(only_v1("memory.kernelTCP", tcp));
    }
    if let Some(swappiness) = memory.swappiness {
        return Err(only_v1("memory.swappiness", swappiness));
    }
    if memory.disable_oom_killer == Some(true) {
        return Err(only_v1("memory.disableOOMKiller", true));
    }
    let limit = memory.limit.filter(|limit| *limit != 0);
    if memory.check_before_update == Some(true)
        && let Some(limit) = limit.and_then(|limit| u64::try_from(limit).ok())
    {
        plan.0.push(Step::RefuseBelowUsage { limit });
    }
    let of_bytes = |name, file, bytes: i64| Setting {
        optional: bytes < 0,
        ..setting(MEMORY, name, file, bytes_or_max(bytes))
    };
    if let Some(swap) = swap_alone(limit, memory.swap)? {
        // Without swap in the kernel there is no file, and no swap is what it comes to.
        let optional = swap <= 0;
        plan.0.push(Step::Write(Setting { optional, ..of_bytes("memory.swap", "memory.swap.max", swap) }));
    }
    if let Some(limit) = limit {
        plan.0.push(Step::Write(of_bytes("memory.limit", "memory.max", limit)));
    }
    if let Some(reservation) = memory.reservation.filter(|bytes| *bytes != 0) {
        // v1's soft limit is a target under pressure, v2's nearest is the protection below which nothing is taken.
        let value = if reservation < 0 { "max".to_owned() } else { reservation.to_string() };
        let one = setting(MEMORY, "memory.reservation", "memory.low", value);
        plan.0.push(Step::Write(Setting { optional: reservation < 0, ..one }));
    }
    Ok(())
}

/// v1 limits memory plus swap, v2 swap alone: the difference, -1 for no limit, nothing where swap is not set.
fn swap_alone(limit: Option<i64>, swap: Option<i64>) -> Result<Option<i64>, CgroupError> {
    let invalid = |value: i64, rule| {
        Err(CgroupError::InvalidSetting { setting: "memory.swap", value: value.to_string(), rule })
    };
    match (limit, swap.filter(|swap| *swap != 0)) {
        (Some(..0), None) => Ok(Some(-1)),
        (_, None) => Ok(None),
        (_, Some(..0)) => Ok(Some(-1)),
        (None, Some(swap)) => invalid(swap, "needs memory.limit, since it is the sum of memory and swap"),
        (Some(..0), Some(swap)) => invalid(swap, "memory.limit is unlimited, so the sum cannot be limited"),
        (Some(limit), Some(swap)) if swap < limit => {
            invalid(swap, "less than memory.limit, and it is the sum of memory and swap")
        }
        (Some(limit), Some(swap)) => Ok(Some(swap - limit)),
    }
}

pub(super) fn block_io(io: &BlockIo, plan: &mut Plan) -> Result<(), CgroupError> {
    const IO: Controller = Controller::Io;
    if let Some(weight) = checked_weight("blockIO.leafWeight", io.leaf_weight)? {
        return Err(only_v1("blockIO.leafWeight", weight));
    }
    // BFQ has v1's scale; without it, io.weight belongs to the cost model.
    if let Some(weight) = checked_weight("blockIO.weight", io.weight)? {
        let one = setting(IO, "blockIO.weight", "io.bfq.weight", weight);
        let otherwise = Some(("io.weight", format!("default {}", io_weight(weight))));
        plan.0.push(Step::Write(Setting { otherwise, ..one }));
    }
    for one in &io.weight_device {
        let number = device("blockIO.weightDevice", one.major, one.minor)?;
        if let Some(weight) = checked_weight("blockIO.weightDevice", one.weight)? {
            let first = setting(IO, "blockIO.weightDevice", "io.bfq.weight", format!("{number} {weight}"));
            let otherwise = Some(("io.weight", format!("{number} {}", io_weight(weight))));
            plan.0.push(Step::Write(Setting { otherwise, ..first }));
        }
        if let Some(weight) = checked_weight("blockIO.weightDevice", one.leaf_weight)? {
            return Err(only_v1("blockIO.weightDevice leafWeight", weight));
        }
    }
    for (name, key, rates) in [
        ("blockIO.throttleReadBpsDevice", "rbps", &io.throttle_read_bps_device),
        ("blockIO.throttleWriteBpsDevice", "wbps", &io.throttle_write_bps_device),
        ("blockIO.throttleReadIOPSDevice", "riops", &io.throttle_read_iops_device),
        ("blockIO.throttleWriteIOPSDevice", "wiops", &io.throttle_write_iops_device),
    ] {
        for ThrottleDevice { major, minor, rate } in rates {
            // 0 lifts the limit in v1.
            let rate = if *rate == 0 { "max".to_owned() } else { rate.to_string() };
            plan.add(IO, name, "io.max", format!("{} {key}={rate}", device(name, *major, *minor)?));
        }
    }
    Ok(())
}
