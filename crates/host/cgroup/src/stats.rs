//! What a group uses.

use crate::directory::Directory;
use crate::hierarchy::Version;
use crate::{CgroupError, Controller, Group, parse};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Nanoseconds in one tick of `cpuacct.stat`: `USER_HZ` is 100 on every Linux architecture that we build for.
const NANOSECONDS_PER_TICK: u64 = 10_000_000;

/// Counters of one moment. What no controller counts here is zero or absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Time on the processors.
    pub cpu: CpuStats,
    /// `None` without the memory controller.
    pub memory: Option<MemoryStats>,
    /// `None` without the pids controller.
    pub pids: Option<PidsStats>,
    /// By device; empty without the controller and without traffic.
    pub block_io: Vec<BlockDevice>,
}

/// Time on the processors, in nanoseconds since the group was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuStats {
    /// All of it.
    pub total: u64,
    /// In user mode; of v1 in steps of 10 ms.
    pub user: u64,
    /// In the kernel; of v1 in steps of 10 ms.
    pub system: u64,
    /// Effects of a quota; zero where none was ever set.
    pub throttling: Throttling,
}

/// Effects of a CPU quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttling {
    /// Periods with anything to run.
    pub periods: u64,
    /// Periods that ended without quota.
    pub throttled_periods: u64,
    /// Nanoseconds of waiting for quota.
    pub throttled_time: u64,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStats {
    /// Charged now, page cache included.
    pub usage: u64,
    /// Most that was ever charged; `None` where the kernel does not keep it (v2 before 5.19).
    pub max_usage: Option<u64>,
    /// The limit; `None` without one.
    pub limit: Option<u64>,
    /// Swap in use, without the memory; `None` where it is not counted.
    pub swap: Option<u64>,
    /// Page cache.
    pub cache: u64,
    /// Page cache that may be dropped first; docker's client subtracts it from `usage`.
    pub inactive_file: u64,
    /// How often a limit was met (v1: failcnt of memory and of memory with swap; v2: `max` of memory.events).
    pub failures: u64,
    /// Processes killed for want of memory.
    pub oom_kills: u64,
    /// All counters of `memory.stat` by their names; of v1 the `total_` ones include groups below.
    pub detail: BTreeMap<String, u64>,
}

/// Tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PidsStats {
    /// Now.
    pub current: u64,
    /// At the most; `None` without a limit.
    pub limit: Option<u64>,
}

/// Traffic with one block device, groups below included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockDevice {
    /// Device number.
    pub major: u32,
    /// Device number.
    pub minor: u32,
    /// Bytes.
    pub read_bytes: u64,
    /// Bytes.
    pub write_bytes: u64,
    /// Operations.
    pub read_operations: u64,
    /// Operations.
    pub write_operations: u64,
}

impl Group {
    /// Reads all counters.
    ///
    /// # Errors
    /// [`CgroupError::Read`] or [`CgroupError::Content`]; a group that was removed has none.
    pub fn stats(&self) -> Result<Stats, CgroupError> {
        let directory = |controller| self.directory(controller);
        Ok(Stats {
            cpu: self.cpu_stats()?,
            memory: directory(Controller::Memory).map(memory_stats).transpose()?,
            pids: directory(Controller::Pids).map(pids_stats).transpose()?,
            block_io: directory(Controller::Io).map_or_else(|| Ok(Vec::new()), block_io_stats)?,
        })
    }

    fn cpu_stats(&self) -> Result<CpuStats, CgroupError> {
        let mut stats = CpuStats::default();
        if let Some(accounting) = self.directory(Controller::Cpuacct) {
            stats.total = accounting.number_if_there("cpuacct.usage")?.unwrap_or(0);
            let text = accounting.read_if_there("cpuacct.stat")?.unwrap_or_default();
            let ticks = |key| parse::flat_value(&text, key).unwrap_or(0).saturating_mul(NANOSECONDS_PER_TICK);
            (stats.user, stats.system) = (ticks("user"), ticks("system"));
        } else if let Some(unified) = self.unified() {
            let text = unified.read_if_there("cpu.stat")?.unwrap_or_default();
            let nanoseconds = |key| parse::flat_value(&text, key).unwrap_or(0).saturating_mul(1000);
            stats.total = nanoseconds("usage_usec");
            (stats.user, stats.system) = (nanoseconds("user_usec"), nanoseconds("system_usec"));
        }
        if let Some(cpu) = self.directory(Controller::Cpu) {
            let text = cpu.read_if_there("cpu.stat")?.unwrap_or_default();
            let value = |key| parse::flat_value(&text, key).unwrap_or(0);
            stats.throttling = Throttling {
                periods: value("nr_periods"),
                throttled_periods: value("nr_throttled"),
                throttled_time: match cpu.version {
                    Version::V1 => value("throttled_time"),
                    Version::V2 => value("throttled_usec").saturating_mul(1000),
                },
            };
        }
        Ok(stats)
    }
}

/// The names of one version's files and keys.
struct MemoryNames {
    usage: &'static str,
    max_usage: &'static str,
    limit: &'static str,
    cache: &'static str,
    inactive_file: &'static str,
}

const MEMORY_V1: MemoryNames = MemoryNames {
    usage: "memory.usage_in_bytes",
    max_usage: "memory.max_usage_in_bytes",
    limit: "memory.limit_in_bytes",
    cache: "total_cache",
    inactive_file: "total_inactive_file",
};

const MEMORY_V2: MemoryNames = MemoryNames {
    usage: "memory.current",
    max_usage: "memory.peak",
    limit: "memory.max",
    cache: "file",
    inactive_file: "inactive_file",
};

fn memory_stats(directory: &Directory) -> Result<MemoryStats, CgroupError> {
    let (names, events_file) = match directory.version {
        Version::V1 => (MEMORY_V1, "memory.oom_control"),
        Version::V2 => (MEMORY_V2, "memory.events"),
    };
    let number = |file| directory.number_if_there(file);
    let detail = directory.read_if_there("memory.stat")?.unwrap_or_default();
    let detail: BTreeMap<String, u64> =
        parse::flat_values(&detail).map(|(key, value)| (key.to_owned(), value)).collect();
    let events = directory.read_if_there(events_file)?.unwrap_or_default();
    let usage = number(names.usage)?.unwrap_or(0);
    let (swap, failures) = match directory.version {
        Version::V1 => {
            let both = number("memory.memsw.usage_in_bytes")?;
            // With equal limits, only the sum's counts.
            let failures = [number("memory.failcnt")?, number("memory.memsw.failcnt")?];
            (both.map(|both| both.saturating_sub(usage)), failures.into_iter().flatten().sum())
        }
        Version::V2 => (number("memory.swap.current")?, parse::flat_value(&events, "max").unwrap_or(0)),
    };
    // v1 writes no limit as the largest multiple of a page.
    let limit = number(names.limit)?.filter(|limit| *limit < (i64::MAX as u64) / 4096 * 4096 - (1 << 20));
    Ok(MemoryStats {
        usage,
        max_usage: number(names.max_usage)?,
        limit,
        swap,
        cache: detail.get(names.cache).copied().unwrap_or(0),
        inactive_file: detail.get(names.inactive_file).copied().unwrap_or(0),
        failures,
        oom_kills: parse::flat_value(&events, "oom_kill").unwrap_or(0),
        detail,
    })
}

/// The files have the same names in both versions.
fn pids_stats(directory: &Directory) -> Result<PidsStats, CgroupError> {
    Ok(PidsStats {
        current: directory.number_if_there("pids.current")?.unwrap_or(0),
        limit: directory.number_if_there("pids.max")?.filter(|limit| *limit != u64::MAX),
    })
}

fn block_io_stats(directory: &Directory) -> Result<Vec<BlockDevice>, CgroupError> {
    let text = |file| Ok::<_, CgroupError>(directory.read_if_there(file)?.unwrap_or_default());
    let mut devices = BTreeMap::new();
    match directory.version {
        Version::V1 => {
            let bytes = text("blkio.throttle.io_service_bytes_recursive")?;
            let operations = text("blkio.throttle.io_serviced_recursive")?;
            let of_bytes = parse::v1_device_counts(&bytes).map(|line| (line, true));
            for ((number, kind, count), is_bytes) in
                of_bytes.chain(parse::v1_device_counts(&operations).map(|line| (line, false)))
            {
                let device = entry(&mut devices, number);
                match (kind, is_bytes) {
                    ("Read", true) => device.read_bytes = count,
                    ("Write", true) => device.write_bytes = count,
                    ("Read", false) => device.read_operations = count,
                    ("Write", false) => device.write_operations = count,
                    _ => {}
                }
            }
        }
        Version::V2 => {
            for (number, pairs) in parse::v2_device_counts(&text("io.stat")?) {
                let device = entry(&mut devices, number);
                for (key, count) in pairs {
                    match key {
                        "rbytes" => device.read_bytes = count,
                        "wbytes" => device.write_bytes = count,
                        "rios" => device.read_operations = count,
                        "wios" => device.write_operations = count,
                        _ => {}
                    }
                }
            }
        }
    }
    Ok(devices.into_values().collect())
}

fn entry(devices: &mut BTreeMap<(u32, u32), BlockDevice>, number: (u32, u32)) -> &mut BlockDevice {
    let (major, minor) = number;
    devices.entry(number).or_insert(BlockDevice { major, minor, ..BlockDevice::default() })
}
