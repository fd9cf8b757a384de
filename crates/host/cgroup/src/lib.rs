//! Control groups, v1, hybrid and v2.
//!
//! Called by the runtime, which puts containers into groups, and by the monitor, which watches, pauses, kills and
//! removes them. [`Hierarchies`] is detected once per program run; a [`Group`] is one name in every hierarchy that it
//! needs. On a hybrid machine the group also exists in the otherwise idle cgroup2 tree: pausing, killing and counting
//! CPU time are there without a controller, which spares two v1 directories, and killing is one atomic write.
//!
//! Limits: the cgroupfs driver only. Groups are made below the mount points, never below the caller's own group.

mod controller;
mod details;
mod devices;
mod directory;
mod entry;
mod error;
mod freeze;
mod group;
mod hierarchy;
mod oom;
pub mod parse;
mod path;
mod processes;
mod remove;
mod settings;
mod shelter;
mod stats;

pub use controller::{Controller, ControllerSet};
pub use details::{Counter, Details, Pressure, Stall};
pub use devices::default_device_rules;
pub use entry::Entry;
pub use error::CgroupError;
pub use group::Group;
pub use hierarchy::{Hierarchies, Hierarchy, Mode, Version};
pub use oom::OomWatch;
pub use path::GroupPath;
pub use shelter::shelter;
pub use stats::{BlockDevice, CpuStats, MemoryStats, PidsStats, Stats, Throttling};
