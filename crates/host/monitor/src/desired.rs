//! What a container shall be: the document that the engine writes and the monitor carries out.
//!
//! Self-contained: a monitor needs nothing else, neither database nor image. Replaced atomically under the
//! container's operation lock; the monitor reads it anew at each start of the container.

use ids::{ContainerId, SandboxId};
use network::{EndpointConfig, PortMapping};
use serde::{Deserialize, Serialize};
use spec::rootfs::Rootfs;
use spec::runtime::{Seccomp, Spec};
use std::net::IpAddr;
use std::path::PathBuf;

/// The version of the document that this program writes and reads.
pub const VERSION: u32 = 1;

/// The whole document, `desired.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// [`VERSION`] of the program that wrote it.
    pub version: u32,
    /// Counts up with each change; facts name the generation that they belong to.
    pub generation: u64,
    /// The container.
    pub id: ContainerId,
    /// Its sandbox; a plain container's has the same digits.
    pub sandbox: SandboxId,
    /// Its name, for events and messages.
    pub name: String,
    /// The image as the user named it, for events.
    pub image: String,
    /// Network of the sandbox.
    pub network: NetworkPlan,
    /// Another container whose processes it sees, found anew at each start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_of: Option<ContainerId>,
    /// Whose IPC namespace it has, and who mounts its `/dev/shm`.
    #[serde(default, skip_serializing_if = "IpcPlan::is_own")]
    pub ipc: IpcPlan,
    /// Path of the container's cgroup below each hierarchy's delegated root, relative.
    pub cgroup_path: String,
    /// Root file system.
    pub rootfs: Rootfs,
    /// Process, mounts, namespaces, limits. `linux.seccomp` stays empty: see `seccomp`.
    pub spec: Spec,
    /// Filter of system calls.
    pub seccomp: SeccompChoice,
    /// Standard streams.
    pub stdio: StdioPlan,
    /// Where output goes.
    pub log: LogPlan,
    /// What happens after an exit.
    pub restart: RestartPolicy,
    /// How health is probed.
    pub health: Option<HealthPlan>,
    /// How it is asked to end.
    pub stop: StopPlan,
    /// Whether it is removed once it has exited.
    pub auto_remove: bool,
    /// The command that removes it when no engine is waiting: the `sampan` program and its arguments.
    pub reaper: Vec<String>,
}

/// IPC namespace of a sandbox. One that the specification does not list is the host's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum IpcPlan {
    /// Its own alone, or the host's.
    #[default]
    Own,
    /// Its own, which others may join: `/dev/shm` is a file system of the sandbox, mounted at [`crate::shm`]'s place.
    Shareable {
        /// Bytes of `/dev/shm`.
        shm_size: u64,
    },
    /// That of another container, found anew at each start.
    Container {
        /// That container.
        id: ContainerId,
        /// Where its `/dev/shm` is on the host.
        shm: PathBuf,
    },
}

impl IpcPlan {
    fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

/// Network of a sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum NetworkPlan {
    /// A namespace of its own with nothing but loopback.
    None,
    /// The host's namespace.
    Host,
    /// A namespace of its own, attached to bridges.
    Bridge {
        /// One per network; [`network::gateway_endpoint`] carries the default route.
        endpoints: Vec<EndpointConfig>,
        /// Published ports, all concrete.
        ports: Vec<PortMapping>,
        /// Name servers that the user named (`--dns`); empty for the host's. For the sandbox's own resolver, which it
        /// has when one of its networks resolves names.
        #[serde(default)]
        servers: Vec<IpAddr>,
    },
    /// The namespace of another container's sandbox.
    Container {
        /// That container.
        id: ContainerId,
    },
}

/// Filter of system calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeccompChoice {
    /// The built-in profile for the container's capabilities.
    #[default]
    Default,
    /// No filter.
    Unconfined,
    /// A resolved profile.
    Profile(Box<Seccomp>),
}

/// Standard streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StdioPlan {
    /// A terminal instead of three pipes.
    pub terminal: bool,
    /// Standard input stays open though nobody is attached; else it is `/dev/null`.
    pub open_stdin: bool,
    /// Standard input ends when the first attached client goes.
    pub stdin_once: bool,
}

/// Where output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "driver", rename_all = "kebab-case")]
pub enum LogPlan {
    /// Nowhere.
    None,
    /// Docker's JSON lines in bounded segments.
    JsonFile {
        /// The first segment; older ones have `.1`, `.2` … appended.
        path: PathBuf,
        /// Bytes of one segment at the most; absent for no limit.
        max_size: Option<u64>,
        /// Segments at the most, the current one included; at least 1.
        max_files: u32,
    },
}

/// What happens after an exit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Nothing.
    #[default]
    No,
    /// Restart, whatever the code, unless the user stopped it; at boot also then.
    Always,
    /// Restart unless the user stopped it, also at boot.
    UnlessStopped,
    /// Restart after a failure.
    OnFailure {
        /// Attempts at the most; 0 for no limit.
        maximum_retry_count: u32,
    },
}

/// How health is probed. Durations in nanoseconds, as Docker's API has them; defaults are already filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthPlan {
    /// The probe's arguments; a shell form is already spelled out (`/bin/sh -c text`).
    pub args: Vec<String>,
    /// Between two probes.
    pub interval_ns: u64,
    /// Of one probe.
    pub timeout_ns: u64,
    /// Failures do not count during this time after the start.
    pub start_period_ns: u64,
    /// Between two probes during the start period.
    pub start_interval_ns: u64,
    /// Failures in a row until unhealthy.
    pub retries: u32,
}

/// How a container is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPlan {
    /// Signal number.
    pub signal: i32,
    /// Seconds until SIGKILL; negative waits for ever.
    pub timeout_seconds: i64,
}
