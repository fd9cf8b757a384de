//! Files of version 1.

use super::convert::{checked_weight, device};
use super::{Plan, Setting, Step, setting};
use crate::{CgroupError, Controller};
use spec::runtime::{BlockIo, Cpu, Memory, NetworkClass};

pub(super) fn cpu(cpu: &Cpu, plan: &mut Plan) {
    const CPU: Controller = Controller::Cpu;
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0) {
        // The kernel clamps to 2 … 262144 itself.
        plan.add(CPU, "cpu.shares", "cpu.shares", shares);
    }
    let period = cpu.period.filter(|period| *period != 0);
    let period = period.map(|period| setting(CPU, "cpu.period", "cpu.cfs_period_us", period));
    let quota = cpu.quota.filter(|quota| *quota != 0).map(|quota| Setting {
        optional: quota < 0,
        ..setting(CPU, "cpu.quota", "cpu.cfs_quota_us", quota.max(-1))
    });
    match (period, quota) {
        // The kernel checks the pair against the parent's ratio and against the burst at each write.
        (Some(period), Some(quota)) => plan.0.push(Step::EitherOrder(period, quota)),
        (Some(one), None) | (None, Some(one)) => plan.0.push(Step::Write(one)),
        (None, None) => {}
    }
    if let Some(burst) = cpu.burst {
        let optional = burst == 0;
        plan.0
            .push(Step::Write(Setting { optional, ..setting(CPU, "cpu.burst", "cpu.cfs_burst_us", burst) }));
    }
    let period = cpu.realtime_period.filter(|period| *period != 0);
    let period = period.map(|period| setting(CPU, "cpu.realtimePeriod", "cpu.rt_period_us", period));
    let runtime = cpu.realtime_runtime.filter(|runtime| *runtime != 0);
    let runtime = runtime.map(|runtime| setting(CPU, "cpu.realtimeRuntime", "cpu.rt_runtime_us", runtime));
    match (period, runtime) {
        (Some(period), Some(runtime)) => plan.0.push(Step::EitherOrder(period, runtime)),
        (Some(one), None) | (None, Some(one)) => plan.0.push(Step::Write(one)),
        (None, None) => {}
    }
    if let Some(idle) = cpu.idle {
        plan.0
            .push(Step::Write(Setting { optional: idle == 0, ..setting(CPU, "cpu.idle", "cpu.idle", idle) }));
    }
}

pub(super) fn memory(memory: &Memory, plan: &mut Plan) -> Result<(), CgroupError> {
    const MEMORY: Controller = Controller::Memory;
    let unlimited_or = |bytes: i64| bytes.max(-1);
    let limit = memory.limit.filter(|limit| *limit != 0);
    let swap = memory.swap.filter(|swap| *swap != 0);
    // Memory without a limit cannot stand under a sum with one.
    let swap = if limit.is_some_and(|limit| limit < 0) { Some(swap.unwrap_or(-1)) } else { swap };
    let of_bytes = |name, file, bytes: i64| Setting {
        optional: bytes < 0,
        ..setting(MEMORY, name, file, unlimited_or(bytes))
    };
    let limit = limit.map(|bytes| of_bytes("memory.limit", "memory.limit_in_bytes", bytes));
    let swap = swap.map(|bytes| of_bytes("memory.swap", "memory.memsw.limit_in_bytes", bytes));
    match (limit, swap) {
        (Some(limit), Some(swap)) => plan.0.push(Step::EitherOrder(limit, swap)),
        (Some(one), None) | (None, Some(one)) => plan.0.push(Step::Write(one)),
        (None, None) => {}
    }
    if let Some(reservation) = memory.reservation.filter(|bytes| *bytes != 0) {
        plan.0.push(Step::Write(of_bytes("memory.reservation", "memory.soft_limit_in_bytes", reservation)));
    }
    if let Some(tcp) = memory.kernel_tcp.filter(|bytes| *bytes != 0) {
        plan.0.push(Step::Write(of_bytes("memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", tcp)));
    }
    if let Some(swappiness) = memory.swappiness {
        if swappiness > 100 {
            return Err(CgroupError::InvalidSetting {
                setting: "memory.swappiness",
                value: swappiness.to_string(),
                rule: "0 to 100",
            });
        }
        plan.add(MEMORY, "memory.swappiness", "memory.swappiness", swappiness);
    }
    if memory.disable_oom_killer == Some(true) {
        plan.add(MEMORY, "memory.disableOOMKiller", "memory.oom_control", 1);
    }
    if memory.use_hierarchy == Some(true) {
        // On by itself since 5.11, where the file only takes 1.
        let one = setting(MEMORY, "memory.useHierarchy", "memory.use_hierarchy", 1);
        plan.0.push(Step::Write(Setting { optional: true, ..one }));
    }
    Ok(())
}

pub(super) fn block_io(io: &BlockIo, plan: &mut Plan) -> Result<(), CgroupError> {
    const IO: Controller = Controller::Io;
    // The plain names belonged to the CFQ scheduler, gone in 5.0; some distributions still have them for BFQ.
    if let Some(weight) = checked_weight("blockIO.weight", io.weight)? {
        let one = setting(IO, "blockIO.weight", "blkio.bfq.weight", weight);
        plan.0.push(Step::Write(Setting { otherwise: Some(("blkio.weight", weight.to_string())), ..one }));
    }
    if let Some(weight) = checked_weight("blockIO.leafWeight", io.leaf_weight)? {
        plan.add(IO, "blockIO.leafWeight", "blkio.leaf_weight", weight);
    }
    for one in &io.weight_device {
        let number = device("blockIO.weightDevice", one.major, one.minor)?;
        if let Some(weight) = checked_weight("blockIO.weightDevice", one.weight)? {
            let value = format!("{number} {weight}");
            let first = setting(IO, "blockIO.weightDevice", "blkio.bfq.weight_device", &value);
            plan.0.push(Step::Write(Setting { otherwise: Some(("blkio.weight_device", value)), ..first }));
        }
        if let Some(weight) = checked_weight("blockIO.weightDevice", one.leaf_weight)? {
            let value = format!("{number} {weight}");
            plan.add(IO, "blockIO.weightDevice", "blkio.leaf_weight_device", value);
        }
    }
    for (name, file, rates) in [
        ("blockIO.throttleReadBpsDevice", "blkio.throttle.read_bps_device", &io.throttle_read_bps_device),
        ("blockIO.throttleWriteBpsDevice", "blkio.throttle.write_bps_device", &io.throttle_write_bps_device),
        ("blockIO.throttleReadIOPSDevice", "blkio.throttle.read_iops_device", &io.throttle_read_iops_device),
        (
            "blockIO.throttleWriteIOPSDevice",
            "blkio.throttle.write_iops_device",
            &io.throttle_write_iops_device,
        ),
    ] {
        for rate in rates {
            plan.add(IO, name, file, format!("{} {}", device(name, rate.major, rate.minor)?, rate.rate));
        }
    }
    Ok(())
}

/// Traffic class and priorities exist in v1 alone.
pub(super) fn network(network: &NetworkClass, plan: &mut Plan) -> Result<(), CgroupError> {
    if let Some(class) = network.class_id.filter(|class| *class != 0) {
        plan.add(Controller::NetCls, "network.classID", "net_cls.classid", class);
    }
    for one in &network.priorities {
        // IFNAMSIZ with its terminator is 16.
        if one.name.is_empty() || one.name.len() > 15 || one.name.bytes().any(|byte| !byte.is_ascii_graphic())
        {
            return Err(CgroupError::InvalidSetting {
                setting: "network.priorities",
                value: one.name.chars().take(80).collect(),
                rule: "not an interface name",
            });
        }
        let value = format!("{} {}", one.name, one.priority);
        plan.add(Controller::NetPrio, "network.priorities", "net_prio.ifpriomap", value);
    }
    Ok(())
}
