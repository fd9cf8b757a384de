//! What a container is on the host it runs on.

use crate::{Mount, StringMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `HostConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HostConfig {
    /// `source:target[:options]`.
    pub binds: Option<Vec<String>>,
    /// Where the id was written.
    #[serde(rename = "ContainerIDFile")]
    pub container_id_file: String,
    /// Log driver.
    pub log_config: LogConfig,
    /// `bridge`, `none`, `host`, `container:ID` or a network's name.
    pub network_mode: String,
    /// By `port/protocol`.
    pub port_bindings: Option<PortMap>,
    /// What happens after an exit.
    pub restart_policy: RestartPolicy,
    /// Removed after its end.
    pub auto_remove: bool,
    /// Driver of volumes made now.
    pub volume_driver: String,
    /// Containers whose volumes it has.
    pub volumes_from: Option<Vec<String>>,
    /// Rows and columns of the terminal at the start.
    pub console_size: [u16; 2],
    /// Metadata for the runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<StringMap>,
    /// Capabilities added.
    pub cap_add: Option<Vec<String>>,
    /// Capabilities dropped.
    pub cap_drop: Option<Vec<String>>,
    /// `private` or `host`.
    pub cgroupns_mode: String,
    /// Name servers.
    pub dns: Option<Vec<String>>,
    /// Options of resolv.conf(5).
    pub dns_options: Option<Vec<String>>,
    /// Search domains.
    pub dns_search: Option<Vec<String>>,
    /// `name:address`.
    pub extra_hosts: Option<Vec<String>>,
    /// Supplementary groups.
    pub group_add: Option<Vec<String>>,
    /// IPC namespace.
    pub ipc_mode: String,
    /// Cgroup of another container.
    pub cgroup: String,
    /// Links.
    pub links: Option<Vec<String>>,
    /// -1000 to 1000.
    pub oom_score_adj: i64,
    /// PID namespace.
    pub pid_mode: String,
    /// All capabilities, devices and kernel interfaces.
    pub privileged: bool,
    /// Publish all exposed ports.
    pub publish_all_ports: bool,
    /// Read-only root file system.
    pub readonly_rootfs: bool,
    /// Security options.
    pub security_opt: Option<Vec<String>>,
    /// Options of the storage driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_opt: Option<StringMap>,
    /// Options of a tmpfs by path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmpfs: Option<StringMap>,
    /// UTS namespace.
    #[serde(rename = "UTSMode")]
    pub uts_mode: String,
    /// User namespace.
    pub userns_mode: String,
    /// Bytes of `/dev/shm`.
    pub shm_size: i64,
    /// Kernel parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sysctls: Option<StringMap>,
    /// OCI runtime.
    pub runtime: String,
    /// Windows only; empty.
    pub isolation: String,
    /// Limits.
    #[serde(flatten)]
    pub resources: Resources,
    /// Mounts in the long form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mounts: Option<Vec<Mount>>,
    /// Paths hidden; `null` for the default.
    pub masked_paths: Option<Vec<String>>,
    /// Paths made read-only; `null` for the default.
    pub readonly_paths: Option<Vec<String>>,
    /// An init process; absent for the daemon's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
}

/// Limits; part of [`HostConfig`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Resources {
    /// Relative weight.
    pub cpu_shares: i64,
    /// Bytes.
    pub memory: i64,
    /// Billionths of a CPU.
    pub nano_cpus: i64,
    /// Parent cgroup.
    pub cgroup_parent: String,
    /// 10 to 1000.
    pub blkio_weight: u16,
    /// Weights by device.
    pub blkio_weight_device: Option<Vec<WeightDevice>>,
    /// Bytes per second.
    pub blkio_device_read_bps: Option<Vec<ThrottleDevice>>,
    /// Bytes per second.
    pub blkio_device_write_bps: Option<Vec<ThrottleDevice>>,
    /// Operations per second.
    #[serde(rename = "BlkioDeviceReadIOps")]
    pub blkio_device_read_iops: Option<Vec<ThrottleDevice>>,
    /// Operations per second.
    #[serde(rename = "BlkioDeviceWriteIOps")]
    pub blkio_device_write_iops: Option<Vec<ThrottleDevice>>,
    /// Microseconds.
    pub cpu_period: i64,
    /// Microseconds per period.
    pub cpu_quota: i64,
    /// Microseconds.
    pub cpu_realtime_period: i64,
    /// Microseconds per period.
    pub cpu_realtime_runtime: i64,
    /// Cpu list.
    pub cpuset_cpus: String,
    /// Memory node list.
    pub cpuset_mems: String,
    /// Host devices.
    pub devices: Option<Vec<DeviceMapping>>,
    /// Rules of the device controller.
    pub device_cgroup_rules: Option<Vec<String>>,
    /// GPUs and the like; always `null` here.
    pub device_requests: Option<Vec<serde_json::Value>>,
    /// Bytes.
    pub memory_reservation: i64,
    /// Bytes with swap.
    pub memory_swap: i64,
    /// 0 to 100.
    pub memory_swappiness: Option<i64>,
    /// The OOM killer does not kill.
    pub oom_kill_disable: Option<bool>,
    /// Tasks.
    pub pids_limit: Option<i64>,
    /// Resource limits of processes.
    pub ulimits: Option<Vec<Ulimit>>,
    /// Windows only; 0.
    pub cpu_count: i64,
    /// Windows only; 0.
    pub cpu_percent: i64,
    /// Windows only; 0.
    #[serde(rename = "IOMaximumIOps")]
    pub io_maximum_iops: u64,
    /// Windows only; 0.
    #[serde(rename = "IOMaximumBandwidth")]
    pub io_maximum_bandwidth: u64,
}

/// `POST /containers/{id}/update`: what is zero, empty or absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerUpdateRequest {
    /// Limits.
    #[serde(flatten)]
    pub resources: Resources,
    /// Restart policy; an empty name leaves it.
    pub restart_policy: RestartPolicy,
}

/// Log driver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LogConfig {
    /// Its name; empty for the daemon's default.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Its options.
    pub config: Option<StringMap>,
}

/// Restart policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RestartPolicy {
    /// `no`, `always`, `unless-stopped`, `on-failure`; empty means `no`.
    pub name: String,
    /// Of `on-failure`; 0 for no limit.
    pub maximum_retry_count: i64,
}

/// Published ports by `port/protocol`; `null` for an exposed port that is not published.
pub type PortMap = BTreeMap<String, Option<Vec<PortBinding>>>;

/// Where on the host a port is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct PortBinding {
    /// Address; empty for all.
    #[serde(rename = "HostIp")]
    pub host_ip: String,
    /// Port or range; empty for any free one.
    #[serde(rename = "HostPort")]
    pub host_port: String,
}

/// A host device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeviceMapping {
    /// Path on the host.
    pub path_on_host: String,
    /// Path inside.
    pub path_in_container: String,
    /// Of `r`, `w`, `m`.
    pub cgroup_permissions: String,
}

/// A resource limit of processes; -1 is unlimited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Ulimit {
    /// Name without `RLIMIT_`.
    pub name: String,
    /// Ceiling.
    pub hard: i64,
    /// Value in force.
    pub soft: i64,
}

/// Weight of a block device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct WeightDevice {
    /// Its path.
    pub path: String,
    /// 10 to 1000.
    pub weight: u16,
}

/// Rate of a block device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ThrottleDevice {
    /// Its path.
    pub path: String,
    /// Per second.
    pub rate: u64,
}
