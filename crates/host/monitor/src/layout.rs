//! Where a container's files are.
//!
//! The data root outlives a reboot, the exec root need not. Both directories of a container are named by its id.

use ids::ContainerId;
use std::path::{Path, PathBuf};

/// Names inside a container's directory below the data root.
pub mod data {
    /// The [`crate::desired::Desired`] document.
    pub const DESIRED: &str = "desired.json";
    /// The [`crate::facts::Started`] fact.
    pub const STARTED: &str = "started.json";
    /// The [`crate::facts::Exited`] fact.
    pub const EXITED: &str = "exited.json";
    /// The [`crate::facts::Health`] fact.
    pub const HEALTH: &str = "health.json";
    /// The [`crate::facts::StopIntent`], durable before the signal.
    pub const STOPPED_BY_USER: &str = "stopped-by-user.json";
    /// Default log file.
    pub const LOG: &str = "container-json.log";
}

/// Names inside a container's directory below the exec root.
pub mod exec {
    /// Locked as long as a monitor, or an engine that is about to start one, owns the container.
    pub const LIVE_LOCK: &str = "live.lock";
    /// Locked while somebody changes the container.
    pub const OPERATION_LOCK: &str = "operation.lock";
    /// Where the monitor listens.
    pub const SOCKET: &str = "monitor.sock";
    /// Where the `/dev/shm` of a shareable sandbox is mounted.
    pub const SHM: &str = "shm";
    /// FIFO of standard input.
    pub const STDIN: &str = "stdin";
    /// FIFO of standard output.
    pub const STDOUT: &str = "stdout";
    /// FIFO of standard error.
    pub const STDERR: &str = "stderr";
    /// Below the exec root itself: one file for each address whose former connections are still to be ended
    /// ([`network::StaleConnections`]).
    pub const STALE_CONNECTIONS: &str = "stale-connections";
}

/// The two directories of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerDirectories {
    /// Below the data root.
    pub data: PathBuf,
    /// Below the exec root.
    pub exec: PathBuf,
}

impl ContainerDirectories {
    /// The directories of `id` in the instance with these roots.
    #[must_use]
    pub fn new(data_root: &Path, exec_root: &Path, id: &ContainerId) -> Self {
        Self {
            data: data_root.join("containers").join(id.as_str()),
            exec: exec_root.join("containers").join(id.as_str()),
        }
    }
}

/// Name of the monitors' control group, below the instance's and beside those of containers.
pub const MONITORS_GROUP: &str = "sampan-monitors";

/// The event log's directory below the data root.
#[must_use]
pub fn events_directory(data_root: &Path) -> PathBuf {
    data_root.join("events")
}
