//! What a container shall be, as the user said it: before the image's defaults are merged in.

use ids::{ContainerName, NetworkName};
use monitor::desired::RestartPolicy;
use network::Protocol;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The request to create a container; kept in its record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerConfig {
    /// Name; a made-up one when absent.
    pub name: Option<ContainerName>,
    /// Image as the user named it: reference or id.
    pub image: String,
    /// `os/arch[/variant]` that the image must be for.
    pub platform: Option<String>,
    /// Replaces the image's `Cmd` when not empty.
    pub command: Vec<String>,
    /// Replaces the image's `Entrypoint` (and discards its `Cmd`); an empty list clears it.
    pub entrypoint: Option<Vec<String>>,
    /// `NAME=value`, later ones win; added to the image's.
    pub env: Vec<String>,
    /// Metadata, added to the image's.
    pub labels: BTreeMap<String, String>,
    /// Working directory, absolute; replaces the image's.
    pub working_dir: Option<String>,
    /// `user[:group]`, names or numbers; replaces the image's.
    pub user: Option<String>,
    /// Supplementary groups, names or numbers.
    pub group_add: Vec<String>,
    /// Host name; the short id when absent.
    pub hostname: Option<String>,
    /// NIS domain name.
    pub domainname: Option<String>,
    /// A terminal.
    pub tty: bool,
    /// Standard input stays open.
    pub open_stdin: bool,
    /// Standard input ends with the first attached client.
    pub stdin_once: bool,
    /// Signal that asks it to end; replaces the image's.
    pub stop_signal: Option<String>,
    /// Seconds until SIGKILL; -1 waits for ever; 10 when absent.
    pub stop_timeout_seconds: Option<i64>,
    /// Health probe.
    pub health: HealthConfig,
    /// Ports that `-P` publishes, added to the image's `ExposedPorts`.
    pub exposed_ports: BTreeSet<ExposedPort>,
    /// Published ports.
    pub publish: Vec<PublishedPort>,
    /// Publish all exposed ports on free host ports.
    pub publish_all: bool,
    /// Network.
    pub network: NetworkChoice,
    /// What is wanted of it.
    pub attachment: AttachmentConfig,
    /// Further networks.
    pub more_attachments: Vec<AttachmentConfig>,
    /// Other containers under other names: `other[:alias]`.
    pub links: Vec<String>,
    /// `name:address` lines for `/etc/hosts`; the address may be `host-gateway`.
    pub extra_hosts: Vec<String>,
    /// Name servers.
    pub dns: Vec<IpAddr>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// Options of resolv.conf(5).
    pub dns_options: Vec<String>,
    /// Bind mounts, volumes and tmpfs.
    pub mounts: Vec<MountConfig>,
    /// Read-only root file system.
    pub read_only: bool,
    /// Size of `/dev/shm` in bytes; 64 MiB when absent.
    pub shm_size: Option<u64>,
    /// Limits.
    pub resources: ResourceConfig,
    /// All capabilities, devices and writable kernel interfaces.
    pub privileged: bool,
    /// Capabilities added, with or without `CAP_`, or `ALL`.
    pub cap_add: Vec<String>,
    /// Capabilities dropped, with or without `CAP_`, or `ALL`.
    pub cap_drop: Vec<String>,
    /// As typed: `no-new-privileges[=true]`, `seccomp=unconfined|builtin|PROFILE TEXT`, `apparmor=…`, `label=…`,
    /// `systempaths=unconfined`. A seccomp file is replaced by its text by the door.
    pub security_opt: Vec<String>,
    /// Kernel parameters of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Resource limits of its processes.
    pub ulimits: Vec<Ulimit>,
    /// Host devices.
    pub devices: Vec<DeviceConfig>,
    /// An init process that forwards signals and reaps.
    pub init: bool,
    /// What happens after an exit.
    pub restart: RestartPolicy,
    /// Removed, with its anonymous volumes, once it has exited.
    pub auto_remove: bool,
    /// Log driver; the instance's default when absent.
    pub log_driver: Option<String>,
    /// Options of the log driver.
    pub log_options: BTreeMap<String, String>,
    /// Metadata handed to the runtime.
    pub annotations: BTreeMap<String, String>,
    /// Whose System V and POSIX message queues, semaphores and shared memory it sees.
    pub ipc: IpcChoice,
    /// Whose processes it sees.
    pub pid: PidChoice,
    /// Host and domain name are the host's.
    pub host_uts: bool,
    /// Whose control groups it sees; by the host's version and privilege when absent.
    pub cgroup_namespace: Option<CgroupNamespace>,
    /// It was said that user ids are the host's, as they are anyway.
    pub host_users: bool,
    /// What was said of isolation, where there is one kind.
    pub isolation: Option<String>,
    /// What was said of the driver of its volumes, where there is one.
    pub volume_driver: Option<String>,
    /// The control group in which its own is made; the instance's when absent.
    pub cgroup_parent: Option<String>,
    /// Containers whose binds and volumes it has, `container[:ro|rw]`.
    pub volumes_from: Vec<String>,
    /// Rules of the device controller, `type major:minor access`.
    pub device_rules: Vec<String>,
}

/// Whose System V and POSIX objects a container sees (ipc_namespaces(7)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IpcChoice {
    /// Its own, with a `/dev/shm` of its own.
    #[default]
    Private,
    /// Its own, without `/dev/shm`.
    None,
    /// Its own, which other containers may join, `/dev/shm` included.
    Shareable,
    /// The host's, `/dev/shm` included.
    Host,
    /// Those of another container, by name or id, `/dev/shm` included.
    Container(String),
}

/// Whose processes a container sees (pid_namespaces(7)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PidChoice {
    /// Its own.
    #[default]
    Private,
    /// The host's.
    Host,
    /// Those of another container, by name or id.
    Container(String),
}

/// Whose control groups a container sees (cgroup_namespaces(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CgroupNamespace {
    /// Its own alone.
    Private,
    /// The host's.
    Host,
}

/// Health probe as the user said it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthConfig {
    /// The image's, if it has one.
    #[default]
    Inherit,
    /// None.
    Disabled,
    /// The image's with these values replaced; zero and empty mean "not said".
    Custom(spec::image::Healthcheck),
}

/// `port/protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExposedPort {
    /// Port inside.
    pub port: u16,
    /// Protocol.
    pub protocol: Protocol,
}

/// A port to publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Port inside.
    pub container: ExposedPort,
    /// Host address; all when absent.
    pub host_ip: Option<IpAddr>,
    /// First host port; any free one when absent.
    pub host_port: Option<u16>,
    /// Last host port of the range to choose from; same as `host_port` for a fixed port.
    pub host_port_end: Option<u16>,
}

/// Network of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkChoice {
    /// The default bridge.
    #[default]
    Default,
    /// Loopback only.
    None,
    /// The host's.
    Host,
    /// That of another container, by name or id.
    Container(String),
    /// A named network.
    Named(NetworkName),
}

/// What a container wants of one network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttachmentConfig {
    /// The network by name or id.
    pub network: String,
    /// Names of the container on it.
    pub aliases: Vec<String>,
    /// Fixed address.
    pub ip: Option<std::net::Ipv4Addr>,
    /// Hardware address.
    pub mac_address: Option<String>,
    /// Which network has the default route: the highest.
    pub gateway_priority: i64,
    /// Other containers under other names: `other:alias`.
    pub links: Vec<String>,
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountConfig {
    /// Absolute path inside.
    pub target: String,
    /// What is mounted.
    pub source: MountSource,
    /// Read-only.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum MountSource {
    /// A host path.
    Bind {
        /// Absolute host path.
        path: String,
        /// Make a directory there when nothing exists (`-v`); else it is an error (`--mount`).
        create: bool,
        /// `private`, `rprivate`, `shared`, `rshared`, `slave`, `rslave`; `rprivate` when absent.
        propagation: Option<String>,
        /// Without the mounts below it.
        non_recursive: bool,
    },
    /// A volume.
    Volume {
        /// Its name; a new anonymous one when absent.
        name: Option<ids::VolumeName>,
        /// Do not copy the image's content into an empty volume.
        no_copy: bool,
        /// Options and labels for a volume that is made now.
        options: BTreeMap<String, String>,
        /// Labels for a volume that is made now.
        labels: BTreeMap<String, String>,
    },
    /// Memory.
    Tmpfs {
        /// Bytes; half the memory when absent.
        size: Option<u64>,
        /// Permission bits; 1777 when absent.
        mode: Option<u32>,
        /// Further mount options, as typed (`noexec`, `uid=…`).
        options: Vec<String>,
    },
}

/// Limits. Absent means none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceConfig {
    /// Bytes.
    pub memory: Option<u64>,
    /// Memory plus swap in bytes; -1 for no limit; twice `memory` when absent.
    pub memory_swap: Option<i64>,
    /// Bytes; soft limit.
    pub memory_reservation: Option<u64>,
    /// 0 to 100.
    pub memory_swappiness: Option<u64>,
    /// The OOM killer does not kill.
    pub oom_kill_disable: bool,
    /// -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// Billionths of a CPU.
    pub nano_cpus: Option<u64>,
    /// Relative weight.
    pub cpu_shares: Option<u64>,
    /// Microseconds per period.
    pub cpu_quota: Option<i64>,
    /// Microseconds.
    pub cpu_period: Option<u64>,
    /// Cpu list.
    pub cpuset_cpus: Option<String>,
    /// Memory node list.
    pub cpuset_mems: Option<String>,
    /// Tasks; -1 or 0 for no limit.
    pub pids_limit: Option<i64>,
    /// 10 to 1000.
    pub blkio_weight: Option<u16>,
    /// Weights of single devices, 10 to 1000.
    pub blkio_weight_devices: Vec<DeviceRate>,
    /// Bytes per second that are read from single devices.
    pub read_bytes_per_second: Vec<DeviceRate>,
    /// Bytes per second that are written to single devices.
    pub write_bytes_per_second: Vec<DeviceRate>,
    /// Operations per second that read from single devices.
    pub reads_per_second: Vec<DeviceRate>,
    /// Operations per second that write to single devices.
    pub writes_per_second: Vec<DeviceRate>,
    /// Microseconds of a real-time period.
    pub cpu_realtime_period: Option<u64>,
    /// Real-time microseconds per period.
    pub cpu_realtime_runtime: Option<i64>,
}

/// A number for one block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRate {
    /// Path on the host.
    pub path: String,
    /// Weight or rate.
    pub value: u64,
}

/// `type=soft[:hard]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Name without `RLIMIT_`, lower case (`nofile`).
    pub name: String,
    /// Value in force; `u64::MAX` is unlimited.
    pub soft: u64,
    /// Ceiling.
    pub hard: u64,
}

/// A host device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceConfig {
    /// Path on the host; a directory means all devices in it.
    pub host_path: String,
    /// Path inside.
    pub container_path: String,
    /// Of `r`, `w`, `m`.
    pub permissions: String,
}
