//! Launches container processes from an OCI spec.
//!
//! The monitor and the OCI command line call [`create`] and [`exec`]; nobody else. Both prepare everything that can
//! be prepared while still in the host's world ([`plan`] decides the order of the steps, the sources of mounts
//! become descriptors), make a child by clone3(2), and let it work off the plan. The child never returns, and talks
//! with its parent over one socket in a closed set of messages.
//!
//! Contract: the caller has one thread. A failure at any step ends and reaps the child, so that nothing is left
//! behind but what the caller made itself (cgroup, namespaces, directories).
//!
//! Limits: cgroups, networks and namespaces that outlive the container are made by the caller and handed in as
//! descriptors. There are no checkpoints and no `intelRdt` yet.

mod agent;
pub mod capability;
mod channel;
mod child;
mod create;
mod created;
mod error;
mod guard;
pub mod hooks;
mod launch;
pub mod mappings;
mod net_devices;
pub mod options;
pub mod plan;
pub mod seal;
pub mod seccomp;
mod service;
mod sources;
mod through;

pub use create::{create, exec};
pub use created::{Created, start_at};
pub use error::{Cause, LaunchError, StepKind};
#[cfg(feature = "weakened")]
pub use guard::weakness;

/// Whether this build can be weakened, for the escape tests; no program may be made of one.
pub const IS_WEAKENED: bool = cfg!(feature = "weakened");
pub use launch::{CgroupEntry, ExecLaunch, HookContext, JoinedNamespaces, Launch, Started, Stdio, Streams};
