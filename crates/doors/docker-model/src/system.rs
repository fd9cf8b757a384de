//! The host and the engine.

use crate::{ContainerSummary, ImageSummary, StringMap, Volume};
use serde::{Deserialize, Serialize};

/// `GET /version`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SystemVersion {
    /// The product.
    pub platform: VersionPlatform,
    /// Its parts.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub components: Vec<VersionComponent>,
    /// Version of the engine.
    pub version: String,
    /// Highest version of the API.
    pub api_version: String,
    /// Lowest version of the API.
    #[serde(rename = "MinAPIVersion")]
    pub min_api_version: String,
    /// Commit it was built from.
    pub git_commit: String,
    /// Compiler of Docker's engine; here the Rust compiler's version.
    pub go_version: String,
    /// GOOS.
    pub os: String,
    /// GOARCH.
    pub arch: String,
    /// Kernel release.
    pub kernel_version: String,
    /// When it was built.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub build_time: String,
}

/// Part of [`SystemVersion`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VersionPlatform {
    /// Name of the product.
    pub name: String,
}

/// Part of [`SystemVersion`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VersionComponent {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// More.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub details: StringMap,
}

/// `GET /info`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SystemInfo {
    /// The instance.
    #[serde(rename = "ID")]
    pub id: String,
    /// Containers.
    pub containers: i64,
    /// Of them, running.
    pub containers_running: i64,
    /// Of them, paused.
    pub containers_paused: i64,
    /// Of them, not running.
    pub containers_stopped: i64,
    /// Images.
    pub images: i64,
    /// Storage driver.
    pub driver: String,
    /// What it tells, as pairs.
    pub driver_status: Vec<[String; 2]>,
    /// Kinds of drivers.
    pub plugins: SystemPlugins,
    /// Memory can be limited.
    pub memory_limit: bool,
    /// Swap can be limited.
    pub swap_limit: bool,
    /// CPU time can be limited.
    #[serde(rename = "CpuCfsPeriod")]
    pub cpu_cfs_period: bool,
    /// CPU time can be limited.
    #[serde(rename = "CpuCfsQuota")]
    pub cpu_cfs_quota: bool,
    /// CPU weights work.
    #[serde(rename = "CPUShares")]
    pub cpu_shares: bool,
    /// CPU sets work.
    #[serde(rename = "CPUSet")]
    pub cpu_set: bool,
    /// Tasks can be limited.
    pub pids_limit: bool,
    /// The host forwards IPv4.
    #[serde(rename = "IPv4Forwarding")]
    pub ipv4_forwarding: bool,
    /// Debug output is on.
    pub debug: bool,
    /// Open descriptors.
    #[serde(rename = "NFd")]
    pub n_fd: i64,
    /// The OOM killer can be disabled.
    pub oom_kill_disable: bool,
    /// Threads.
    #[serde(rename = "NGoroutines")]
    pub n_goroutines: i64,
    /// RFC 3339.
    pub system_time: String,
    /// Log driver by default.
    pub logging_driver: String,
    /// `cgroupfs` or `systemd`.
    pub cgroup_driver: String,
    /// `1` or `2`.
    pub cgroup_version: String,
    /// Listeners.
    pub n_events_listener: i64,
    /// Kernel release.
    pub kernel_version: String,
    /// Distribution.
    pub operating_system: String,
    /// Its version.
    #[serde(rename = "OSVersion")]
    pub os_version: String,
    /// `linux`.
    #[serde(rename = "OSType")]
    pub os_type: String,
    /// As uname(2) says.
    pub architecture: String,
    /// Registry by default.
    pub index_server_address: String,
    /// CPUs.
    #[serde(rename = "NCPU")]
    pub ncpu: i64,
    /// Bytes.
    pub mem_total: i64,
    /// Data root.
    pub docker_root_dir: String,
    /// Host name.
    pub name: String,
    /// Labels of the host.
    pub labels: Vec<String>,
    /// Version of the engine.
    pub server_version: String,
    /// Runtimes by name.
    pub runtimes: std::collections::BTreeMap<String, RuntimeInfo>,
    /// Runtime by default.
    pub default_runtime: String,
    /// Containers survive the daemon.
    pub live_restore_enabled: bool,
    /// Windows only; empty.
    pub isolation: String,
    /// Init binary.
    pub init_binary: String,
    /// Security features, `name=…`.
    pub security_options: Vec<String>,
    /// What a person should know.
    pub warnings: Option<Vec<String>>,
}

/// Part of [`SystemInfo`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SystemPlugins {
    /// Volume drivers.
    pub volume: Vec<String>,
    /// Network drivers.
    pub network: Vec<String>,
    /// Authorization plugins; `null`.
    pub authorization: Option<Vec<String>>,
    /// Log drivers.
    pub log: Vec<String>,
}

/// A runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuntimeInfo {
    /// The program.
    pub path: String,
}

/// `GET /system/df`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SystemDiskUsage {
    /// Bytes of all layers.
    pub layers_size: i64,
    /// Images.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub images: Vec<ImageSummary>,
    /// Containers.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub containers: Vec<ContainerSummary>,
    /// Volumes.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub volumes: Vec<Volume>,
}
