//! `GET /containers/{id}/json`.

use crate::{ContainerConfig, HostConfig, MountPoint, NetworkSettings, StringMap};
use serde::{Deserialize, Serialize};

/// Everything about a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerInspect {
    /// Id.
    pub id: String,
    /// RFC 3339 with nanoseconds.
    pub created: String,
    /// The program.
    pub path: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// State.
    pub state: ContainerState,
    /// Id of the image.
    pub image: String,
    /// Its `/etc/resolv.conf` on the host.
    pub resolv_conf_path: String,
    /// Its `/etc/hostname` on the host.
    pub hostname_path: String,
    /// Its `/etc/hosts` on the host.
    pub hosts_path: String,
    /// Its log on the host.
    pub log_path: String,
    /// Name with a leading slash.
    pub name: String,
    /// Restarts by policy.
    pub restart_count: i64,
    /// Storage driver.
    pub driver: String,
    /// `linux`.
    pub platform: String,
    /// SELinux label of mounts.
    pub mount_label: String,
    /// SELinux label of processes.
    pub process_label: String,
    /// AppArmor profile.
    pub app_armor_profile: String,
    /// Running execs; `null` for none.
    #[serde(rename = "ExecIDs")]
    pub exec_ids: Option<Vec<String>>,
    /// On the host.
    pub host_config: HostConfig,
    /// Storage.
    pub graph_driver: DriverData,
    /// Bytes written; with `size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_rw: Option<i64>,
    /// Bytes in all; with `size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_root_fs: Option<i64>,
    /// Mounts.
    pub mounts: Vec<MountPoint>,
    /// Independent of the host.
    pub config: ContainerConfig,
    /// Networks.
    pub network_settings: NetworkSettings,
}

/// State of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerState {
    /// Docker's word.
    pub status: String,
    /// Its first process exists.
    pub running: bool,
    /// Frozen.
    pub paused: bool,
    /// Will be started again by policy.
    pub restarting: bool,
    /// The kernel killed a process of it for lack of memory.
    #[serde(rename = "OOMKilled")]
    pub oom_killed: bool,
    /// Its removal failed half-way.
    pub dead: bool,
    /// Process id on the host; 0 for none.
    pub pid: i64,
    /// Last exit code.
    pub exit_code: i64,
    /// Why it could not be started.
    pub error: String,
    /// RFC 3339; year 1 for never.
    pub started_at: String,
    /// RFC 3339; year 1 for never.
    pub finished_at: String,
    /// Health, if probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

/// Health of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Health {
    /// `starting`, `healthy`, `unhealthy`.
    pub status: String,
    /// Failures in a row.
    pub failing_streak: i64,
    /// The last probes, oldest first.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub log: Vec<HealthcheckResult>,
}

/// One probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HealthcheckResult {
    /// RFC 3339.
    pub start: String,
    /// RFC 3339.
    pub end: String,
    /// 0 healthy, 1 unhealthy, -1 took too long.
    pub exit_code: i64,
    /// What it printed.
    pub output: String,
}

/// Storage of a container or image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DriverData {
    /// What the driver tells.
    pub data: Option<StringMap>,
    /// Its name.
    pub name: String,
}

/// Docker's time for "never".
pub const ZERO_TIME: &str = "0001-01-01T00:00:00Z";
