//! Use cases: what a person asks the platform to do, one file each.
//!
//! Doors (the command line, later Docker's API and CRI) call [`Engine`] with plain data of [`model`] and print what
//! comes back; nothing here knows how a request arrived. The engine combines the floors below: images and snapshots
//! give a root file system, [`plan`] turns what was asked into a desired document, and a monitor carries it out. The
//! engine touches no kernel object of a container.
//!
//! Contract: every change is undone on failure; killed at any step, what is left is recognised and put right by the
//! next command that touches it, or by [`Engine::check`]. Read-only use cases change nothing.
//!
//! Limits: one engine value belongs to one process; its database handle must not cross a fork.

pub mod containers;
pub mod images;
pub mod model;
pub mod networks;
pub mod plan;
pub mod registry;
pub mod system;
pub mod volumes;

mod context;
mod documents;
mod engine;
mod events;
mod libexec;
mod segments;

pub use cgroup::BlockDevice;
pub use containers::{
    AttachError, Attached, ChangeKind, CommitError, CommitOptions, ContainerFiles, ContainerSample,
    ControlError, CopyError, CreateError, CreateOptions, Created, ExecConfig, ExecError, ExportError,
    ExtractOptions, FileChange, FileSystemError, ListFilter, LogEntry, LogQuery, LogReader, LogStream,
    LogsError, LookupError, PathStat, ProcessInfo, PullPolicy, RemoveError, RemoveOptions, RenameError,
    RunError, Running, RunningExec, StartError, StartOptions, StopError, StopOptions, UpdateError,
    UpdateRequest, WaitCondition, WaitError, WaitOutcome,
};
pub use context::{ContextError, HostConfig, HostContext, Programs, Roots};
pub use documents::FileError;
pub use engine::Engine;

// Types of lower floors that are part of this interface: doors see those floors only through here.
pub use archive;
pub use ids::{ContainerId, ContainerName, ExecId};
pub use image;
pub use monitor::client::{ClientError, Connection, Event as StreamEvent};
pub use monitor::desired::RestartPolicy;
pub use monitor::events::Event;
pub use monitor::facts::{Exited, Health, HealthStatus, Probe, Started};
pub use monitor::protocol::{FRAME_MAX, FailureKind, Frame, Streams};
pub use monitor::sample::{Interface, Sample};
pub use monitor::status::State;
pub use network::{EndpointConfig, PortMapping, Protocol};
pub use spec;
