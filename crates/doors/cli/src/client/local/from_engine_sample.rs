//! What a container uses in Docker's words.

use super::{Local, failed};
use crate::failure::Failure;
use docker_model::{
    BlkioEntry, BlkioStats, ContainerStats, CpuStats, CpuUsage, InterfaceStats, MemoryStats, PidsStats,
    ThrottlingData,
};
use engine::{ContainerSample, Interface, Sample};

/// What the host has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// Bytes.
    memory: u64,
    /// Processors.
    cpus: u32,
}

impl Local {
    /// What the host has, looked up once.
    pub(super) fn capacity(&self) -> Result<Capacity, Failure> {
        if let Some(capacity) = self.capacity.get() {
            return Ok(*capacity);
        }
        let memory = self.engine.host_memory().map_err(failed)?;
        let cpus = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
        Ok(*self.capacity.get_or_init(|| Capacity { memory, cpus }))
    }
}

/// `GET /containers/{id}/stats`; all zero for one that does not run.
pub(super) fn stats(one: ContainerSample, host: Capacity) -> ContainerStats {
    let named = ContainerStats {
        name: format!("/{}", one.name),
        id: one.id.to_string(),
        read: docker_model::ZERO_TIME.to_owned(),
        preread: docker_model::ZERO_TIME.to_owned(),
        ..ContainerStats::default()
    };
    let Some(Sample { taken_ns, cgroup, interfaces }) = one.sample else { return named };
    let limit = |limit: Option<u64>| limit.map_or(host.memory, |limit| limit.min(host.memory));
    ContainerStats {
        read: jiff::Timestamp::now().to_string(),
        pids_stats: cgroup
            .pids
            .map(|pids| PidsStats { current: pids.current, limit: pids.limit.unwrap_or(0) })
            .unwrap_or_default(),
        blkio_stats: block_io(&cgroup.block_io),
        cpu_stats: CpuStats {
            cpu_usage: CpuUsage {
                total_usage: cgroup.cpu.total,
                usage_in_kernelmode: cgroup.cpu.system,
                usage_in_usermode: cgroup.cpu.user,
            },
            // Each processor has had all the time since the boot.
            system_cpu_usage: taken_ns.saturating_mul(host.cpus.into()),
            online_cpus: host.cpus,
            throttling_data: ThrottlingData {
                periods: cgroup.cpu.throttling.periods,
                throttled_periods: cgroup.cpu.throttling.throttled_periods,
                throttled_time: cgroup.cpu.throttling.throttled_time,
            },
        },
        memory_stats: cgroup
            .memory
            .map(|memory| MemoryStats {
                usage: memory.usage,
                max_usage: memory.max_usage.unwrap_or(0),
                stats: memory.detail,
                failcnt: memory.failures,
                limit: limit(memory.limit),
            })
            .unwrap_or_default(),
        networks: interfaces.into_iter().map(interface).collect(),
        ..named
    }
}

fn block_io(devices: &[engine::BlockDevice]) -> BlkioStats {
    let entries = |read: fn(&engine::BlockDevice) -> u64, write: fn(&engine::BlockDevice) -> u64| {
        let entry = |device: &engine::BlockDevice, op: &str, value| BlkioEntry {
            major: device.major.into(),
            minor: device.minor.into(),
            op: op.to_owned(),
            value,
        };
        let of_device = |device| [entry(device, "read", read(device)), entry(device, "write", write(device))];
        (!devices.is_empty()).then(|| devices.iter().flat_map(of_device).collect())
    };
    BlkioStats {
        io_service_bytes_recursive: entries(|device| device.read_bytes, |device| device.write_bytes),
        io_serviced_recursive: entries(|device| device.read_operations, |device| device.write_operations),
    }
}

fn interface(one: Interface) -> (String, InterfaceStats) {
    let stats = InterfaceStats {
        rx_bytes: one.rx_bytes,
        rx_packets: one.rx_packets,
        rx_errors: one.rx_errors,
        rx_dropped: one.rx_dropped,
        tx_bytes: one.tx_bytes,
        tx_packets: one.tx_packets,
        tx_errors: one.tx_errors,
        tx_dropped: one.tx_dropped,
    };
    (one.name, stats)
}
