//! The instance as a whole: what it is, what it takes, what is wrong with it, what happened, and what a boot does.

mod boot;
mod check;
mod events;
mod info;
mod orphaned_networks;
mod orphans;
mod prune;
mod usage;

pub use boot::{BootError, BootReport};
pub use check::{CheckError, CheckReport, Problem, ProblemKind};
pub use events::{EventQuery, EventReader, EventsError};
pub use info::{CgroupVersion, InfoError, SystemInfo, VersionInfo};
pub use prune::{PruneError, PruneOptions, PruneReport};
pub use usage::{ContainerUsage, DiskUsage, UsageError, VolumeUsage};
