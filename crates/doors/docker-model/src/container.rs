//! What a container is, independent of the host it runs on.

use crate::{Empty, StringMap, is_false};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `Config` of containers and images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerConfig {
    /// Host name.
    pub hostname: String,
    /// NIS domain name.
    pub domainname: String,
    /// `user[:group]`.
    pub user: String,
    /// Attach standard input.
    pub attach_stdin: bool,
    /// Attach standard output.
    pub attach_stdout: bool,
    /// Attach standard error.
    pub attach_stderr: bool,
    /// `port/protocol`, as a set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_ports: Option<BTreeMap<String, Empty>>,
    /// A terminal.
    pub tty: bool,
    /// Standard input stays open.
    pub open_stdin: bool,
    /// Standard input ends with the first attached client.
    pub stdin_once: bool,
    /// `NAME=value`; a lone `NAME` removes it.
    pub env: Option<Vec<String>>,
    /// Arguments of the entry point.
    pub cmd: Option<Vec<String>>,
    /// Health probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<HealthcheckConfig>,
    /// Windows only, yet some clients send it.
    #[serde(skip_serializing_if = "is_false")]
    pub args_escaped: bool,
    /// Image as named by the user.
    pub image: String,
    /// Anonymous volumes by path, as a set.
    pub volumes: Option<BTreeMap<String, Empty>>,
    /// Working directory.
    pub working_dir: String,
    /// Entry point.
    pub entrypoint: Option<Vec<String>>,
    /// No network.
    #[serde(skip_serializing_if = "is_false")]
    pub network_disabled: bool,
    /// Hardware address; deprecated since API 1.44.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    /// Triggers of an image.
    pub on_build: Option<Vec<String>>,
    /// Metadata.
    pub labels: Option<StringMap>,
    /// Signal that asks it to end.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// Seconds until SIGKILL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// Shell of `SHELL` in a Dockerfile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
}

/// A health probe. Durations in nanoseconds; 0 inherits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HealthcheckConfig {
    /// Empty: inherit; `NONE`; `CMD` and arguments; `CMD-SHELL` and a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Vec<String>>,
    /// Between two probes.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub interval: i64,
    /// Of one probe.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub timeout: i64,
    /// Failures do not count during this time.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub start_period: i64,
    /// Between two probes during the start period.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub start_interval: i64,
    /// Failures in a row until unhealthy.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub retries: i64,
}
