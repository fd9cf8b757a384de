//! `GET /containers/{id}/stats`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a container uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerStats {
    /// Name, with a slash before it.
    pub name: String,
    /// Id.
    pub id: String,
    /// When it was counted, RFC 3339.
    pub read: String,
    /// When it was counted before.
    pub preread: String,
    /// Tasks.
    pub pids_stats: PidsStats,
    /// Traffic with block devices.
    pub blkio_stats: BlkioStats,
    /// Time on the processors.
    pub cpu_stats: CpuStats,
    /// The same when it was counted before.
    pub precpu_stats: CpuStats,
    /// Memory.
    pub memory_stats: MemoryStats,
    /// Traffic by interface.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "crate::null_as_default")]
    pub networks: BTreeMap<String, InterfaceStats>,
}

/// Tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PidsStats {
    /// Now.
    pub current: u64,
    /// At the most; 0 without a limit.
    pub limit: u64,
}

/// Traffic with block devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlkioStats {
    /// Bytes by device and operation; `null` for none.
    pub io_service_bytes_recursive: Option<Vec<BlkioEntry>>,
    /// Operations by device and kind; `null` for none.
    pub io_serviced_recursive: Option<Vec<BlkioEntry>>,
}

/// One count of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlkioEntry {
    /// Device number.
    pub major: u64,
    /// Device number.
    pub minor: u64,
    /// `read` or `write`; capitalised by some servers.
    pub op: String,
    /// The count.
    pub value: u64,
}

/// Time on the processors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpuStats {
    /// Of the container.
    pub cpu_usage: CpuUsage,
    /// That all processors of the host have had, idle or not, in nanoseconds.
    pub system_cpu_usage: u64,
    /// Processors of the host.
    pub online_cpus: u32,
    /// Effects of a quota.
    pub throttling_data: ThrottlingData,
}

/// Nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpuUsage {
    /// All of it.
    pub total_usage: u64,
    /// In the kernel.
    pub usage_in_kernelmode: u64,
    /// In user mode.
    pub usage_in_usermode: u64,
}

/// Effects of a CPU quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThrottlingData {
    /// Periods with anything to run.
    pub periods: u64,
    /// Periods that ended without quota.
    pub throttled_periods: u64,
    /// Nanoseconds of waiting for quota.
    pub throttled_time: u64,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryStats {
    /// Charged now, page cache included.
    pub usage: u64,
    /// Most that was ever charged.
    pub max_usage: u64,
    /// The kernel's counters by their names.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub stats: BTreeMap<String, u64>,
    /// How often the limit was met.
    pub failcnt: u64,
    /// The limit, or the host's memory without one.
    pub limit: u64,
}

/// Traffic of one interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InterfaceStats {
    /// Received.
    pub rx_bytes: u64,
    /// Received.
    pub rx_packets: u64,
    /// Received with errors.
    pub rx_errors: u64,
    /// Received and thrown away.
    pub rx_dropped: u64,
    /// Sent.
    pub tx_bytes: u64,
    /// Sent.
    pub tx_packets: u64,
    /// Sent with errors.
    pub tx_errors: u64,
    /// Thrown away instead of sent.
    pub tx_dropped: u64,
}
