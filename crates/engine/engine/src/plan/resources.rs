//! Limits of the control groups, checked as dockerd does.

use super::{HostDevice, PlanError, devices};
use crate::model::{ContainerConfig, ResourceConfig};
use crate::plan::Facts;
use spec::runtime::{BlockIo, Cpu, Memory, Pids, Resources};

/// Docker's smallest memory limit, in bytes.
const MEMORY_MIN: u64 = 6 << 20;
/// Microseconds of a period when `--cpus` is given.
const PERIOD: u64 = 100_000;
const BILLION: u64 = 1_000_000_000;

fn limit(text: impl Into<String>) -> PlanError {
    PlanError::Limit(text.into())
}

/// The limits, and warnings.
///
/// # Errors
/// [`PlanError::Limit`] when a value is out of its range or contradicts another.
pub fn resources(
    asked: &ResourceConfig,
    config: &ContainerConfig,
    nodes: &[HostDevice],
    facts: &Facts,
) -> Result<(Resources, Vec<String>), PlanError> {
    let mut warnings = Vec::new();
    let mut rules = devices::rules(config.privileged, nodes);
    rules.extend(
        config.device_rules.iter().map(|text| devices::parse_rule(text)).collect::<Result<Vec<_>, _>>()?,
    );
    if let Some(score) = asked.oom_score_adj.filter(|score| !(-1000..=1000).contains(score)) {
        return Err(limit(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]")));
    }
    let pids = asked.pids_limit.map(|count| Pids { limit: if count <= 0 { -1 } else { count } });
    let all = Resources {
        devices: rules,
        memory: memory(asked, facts, &mut warnings)?,
        cpu: cpu(asked, facts)?,
        pids,
        block_io: block_io(asked)?,
        ..Resources::default()
    };
    Ok((all, warnings))
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn memory(
    asked: &ResourceConfig,
    facts: &Facts,
    warnings: &mut Vec<String>,
) -> Result<Option<Memory>, PlanError> {
    let bytes = asked.memory.filter(|bytes| *bytes > 0);
    let swap = asked.memory_swap.filter(|bytes| *bytes != 0);
    if bytes.is_some_and(|bytes| bytes < MEMORY_MIN) {
        return Err(limit("Minimum memory limit allowed is 6MB"));
    }
    match (bytes, swap) {
        (None, Some(swap)) if swap > 0 => {
            return Err(limit(
                "You should always set the Memory limit when using Memoryswap limit, see usage",
            ));
        }
        (Some(bytes), Some(swap)) if swap > 0 && swap < signed(bytes) => {
            return Err(limit("Minimum memoryswap limit should be larger than memory limit, see usage"));
        }
        _ => {}
    }
    let reservation = asked.memory_reservation.filter(|bytes| *bytes > 0);
    if reservation.is_some_and(|bytes| bytes < MEMORY_MIN) {
        return Err(limit("Minimum memory reservation allowed is 6MB"));
    }
    if let (Some(bytes), Some(reservation)) = (bytes, reservation)
        && bytes < reservation
    {
        return Err(limit("Minimum memory limit can not be less than memory reservation limit, see usage"));
    }
    if let Some(value) = asked.memory_swappiness.filter(|value| *value > 100) {
        return Err(limit(format!("Invalid value: {value}, valid memory swappiness range is 0-100")));
    }
    let swap = swap.or_else(|| bytes.map(|bytes| signed(bytes.saturating_mul(2))));
    let swap = swap.filter(|_| facts.swap_limit);
    if asked.memory.is_some() && !facts.swap_limit {
        warnings.push(
            "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap."
                .into(),
        );
    }
    let all = Memory {
        limit: bytes.map(signed),
        reservation: reservation.map(signed),
        swap,
        swappiness: asked.memory_swappiness,
        disable_oom_killer: asked.oom_kill_disable.then_some(true),
        ..Memory::default()
    };
    Ok((all != Memory::default()).then_some(all))
}

fn cpu(asked: &ResourceConfig, facts: &Facts) -> Result<Option<Cpu>, PlanError> {
    let period = asked.cpu_period.filter(|period| *period != 0);
    let quota = asked.cpu_quota.filter(|quota| *quota != 0);
    if period.is_some_and(|period| !(1000..=1_000_000).contains(&period)) {
        return Err(limit(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ));
    }
    if quota.is_some_and(|quota| quota > 0 && quota < 1000) {
        return Err(limit("CPU cfs quota can not be less than 1ms (i.e. 1000)"));
    }
    let mut all =
        Cpu { shares: asked.cpu_shares.filter(|shares| *shares != 0), quota, period, ..realtime(asked)? };
    if let Some(nano) = asked.nano_cpus.filter(|nano| *nano != 0) {
        if period.is_some() {
            return Err(limit("Conflicting options: Nano CPUs and CPU Period cannot both be set."));
        }
        if quota.is_some() {
            return Err(limit("Conflicting options: Nano CPUs and CPU Quota cannot both be set."));
        }
        let count = u64::from(facts.cpus);
        if nano < BILLION / 100 || nano > count.saturating_mul(BILLION) {
            return Err(limit(format!(
                "Range of CPUs is from 0.01 to {count}.00, as there are only {count} CPUs available"
            )));
        }
        all.period = Some(PERIOD);
        all.quota = i64::try_from(u128::from(nano) * u128::from(PERIOD) / u128::from(BILLION)).ok();
    }
    if let Some(list) = asked.cpuset_cpus.as_ref().filter(|list| !list.is_empty()) {
        check_list(list, "cpus", facts.cpus)?;
        all.cpus.clone_from(list);
    }
    if let Some(list) = asked.cpuset_mems.as_ref().filter(|list| !list.is_empty()) {
        check_list(list, "mems", u32::MAX)?;
        all.mems.clone_from(list);
    }
    Ok((all != Cpu::default()).then_some(all))
}

/// Real-time scheduling, with Docker's rule.
fn realtime(asked: &ResourceConfig) -> Result<Cpu, PlanError> {
    let realtime_period = asked.cpu_realtime_period.filter(|period| *period != 0);
    let realtime_runtime = asked.cpu_realtime_runtime.filter(|runtime| *runtime != 0);
    if let (Some(period), Some(runtime)) = (realtime_period, realtime_runtime)
        && u64::try_from(runtime).is_ok_and(|runtime| runtime > period)
    {
        return Err(limit("cpu real-time runtime cannot be higher than cpu real-time period"));
    }
    Ok(Cpu { realtime_period, realtime_runtime, ..Cpu::default() })
}

/// `0-3,7`, all below `count`.
fn check_list(list: &str, kind: &str, count: u32) -> Result<(), PlanError> {
    let invalid = || limit(format!("Invalid value {list} for cpuset {kind}"));
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) =
            (first.parse::<u32>().map_err(|_| invalid())?, last.parse::<u32>().map_err(|_| invalid())?);
        if first > last {
            return Err(invalid());
        }
        if last >= count {
            let available =
                if count == 1 { "0".to_owned() } else { format!("0-{}", count.saturating_sub(1)) };
            return Err(limit(format!(
                "Requested CPUs are not available - requested {list}, available: {available}"
            )));
        }
    }
    Ok(())
}

fn block_io(asked: &ResourceConfig) -> Result<Option<BlockIo>, PlanError> {
    match asked.blkio_weight.filter(|weight| *weight != 0) {
        None => Ok(None),
        Some(weight) if (10..=1000).contains(&weight) => {
            Ok(Some(BlockIo { weight: Some(weight), ..BlockIo::default() }))
        }
        Some(_) => Err(limit("Range of blkio weight is from 10 to 1000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts { unified_cgroup: false, cpus: 4, swap_limit: true, thermal_cpus: 0 };

    fn of(asked: &ResourceConfig) -> Result<Resources, String> {
        resources(asked, &ContainerConfig::default(), &[], &FACTS)
            .map(|(all, _)| all)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn memory_doubles_into_swap() {
        let asked = ResourceConfig { memory: Some(64 << 20), ..ResourceConfig::default() };
        let memory = of(&asked).unwrap().memory.unwrap();
        assert_eq!((memory.limit, memory.swap), (Some(64 << 20), Some(128 << 20)));
        let no_swap = Facts { swap_limit: false, ..FACTS };
        let (all, warnings) = resources(&asked, &ContainerConfig::default(), &[], &no_swap).unwrap();
        assert_eq!((all.memory.unwrap().swap, warnings.len()), (None, 1));
        let unlimited = ResourceConfig { memory_swap: Some(-1), ..asked };
        assert_eq!(of(&unlimited).unwrap().memory.unwrap().swap, Some(-1));
    }

    #[test]
    fn memory_refusals() {
        let with = |memory, swap, reservation| {
            of(&ResourceConfig {
                memory,
                memory_swap: swap,
                memory_reservation: reservation,
                ..ResourceConfig::default()
            })
        };
        assert_eq!(with(Some(4096), None, None).unwrap_err(), "Minimum memory limit allowed is 6MB");
        assert!(with(None, Some(1 << 30), None).is_err());
        assert!(with(Some(1 << 30), Some(1 << 20), None).is_err());
        assert!(with(Some(1 << 30), None, Some(2 << 30)).is_err());
    }

    #[test]
    fn cpus_become_quota() {
        let asked = ResourceConfig { nano_cpus: Some(1_500_000_000), ..ResourceConfig::default() };
        let cpu = of(&asked).unwrap().cpu.unwrap();
        assert_eq!((cpu.quota, cpu.period), (Some(150_000), Some(100_000)));
        let many = ResourceConfig { nano_cpus: Some(5 * BILLION), ..ResourceConfig::default() };
        assert_eq!(
            of(&many).unwrap_err(),
            "Range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"
        );
        let both = ResourceConfig { cpu_quota: Some(5000), ..asked };
        assert!(of(&both).is_err());
    }

    #[test]
    fn cpu_lists() {
        let with =
            |list: &str| of(&ResourceConfig { cpuset_cpus: Some(list.into()), ..ResourceConfig::default() });
        assert_eq!(with("0-1,3").unwrap().cpu.unwrap().cpus, "0-1,3");
        assert_eq!(
            with("0-4").unwrap_err(),
            "Requested CPUs are not available - requested 0-4, available: 0-3"
        );
        assert!(with("a").is_err());
        assert!(with("3-1").is_err());
    }

    #[test]
    fn no_limit_means_none() {
        let all = of(&ResourceConfig { pids_limit: Some(0), ..ResourceConfig::default() }).unwrap();
        assert_eq!((all.memory, all.cpu, all.pids), (None, None, Some(Pids { limit: -1 })));
    }
}
