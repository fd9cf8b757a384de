//! What the engine tells about containers.

use crate::model::{ContainerConfig, ExposedPort};
use ids::{ContainerId, ContainerName, Digest};
use monitor::facts::{Exited, Health, Started};
use monitor::status::State;
use network::{EndpointConfig, PortMapping};
use std::collections::BTreeMap;

/// Everything about one container at one moment.
#[derive(Debug, Clone)]
pub struct ContainerView {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// RFC 3339 with nanoseconds, UTC.
    pub created: String,
    /// What the user asked.
    pub config: ContainerConfig,
    /// The image's id.
    pub image_id: Digest,
    /// What runs, with the image's defaults merged in.
    pub effective: EffectiveConfig,
    /// Its state.
    pub state: State,
    /// The last start.
    pub started: Option<Started>,
    /// The last end.
    pub exited: Option<Exited>,
    /// Health, if probed.
    pub health: Option<Health>,
    /// Attachments to networks.
    pub endpoints: Vec<EndpointConfig>,
    /// Published ports in force.
    pub ports: Vec<PortMapping>,
    /// Mounts in force.
    pub mounts: Vec<MountView>,
    /// Where files of it are, for `inspect`.
    pub paths: ContainerPaths,
}

/// The merge of request and image.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct EffectiveConfig {
    /// Entry point.
    pub entrypoint: Vec<String>,
    /// Its arguments.
    pub command: Vec<String>,
    /// Environment.
    pub env: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Working directory.
    pub working_dir: String,
    /// `user[:group]`.
    pub user: String,
    /// Host name.
    pub hostname: String,
    /// Stop signal.
    pub stop_signal: Option<String>,
    /// Health check in force, for `inspect`.
    pub healthcheck: Option<spec::image::Healthcheck>,
    /// Exposed ports.
    pub exposed_ports: Vec<ExposedPort>,
}

/// A mount in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MountView {
    /// `bind`, `volume` or `tmpfs`.
    pub kind: String,
    /// Name of the volume.
    pub name: Option<String>,
    /// Host path.
    pub source: String,
    /// Path inside.
    pub target: String,
    /// As typed after the second colon.
    pub mode: String,
    /// Writable.
    pub writable: bool,
    /// Propagation.
    pub propagation: String,
}

/// Where files of a container are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerPaths {
    /// Log file; empty when the driver has none.
    pub log: String,
    /// `/etc/hosts` of it.
    pub hosts: String,
    /// `/etc/hostname` of it.
    pub hostname: String,
    /// `/etc/resolv.conf` of it.
    pub resolv_conf: String,
}
