//! From what was asked to what shall be: pure.
//!
//! [`effective`] merges the request with the image's configuration; [`specification`] turns the merge into the
//! runtime's document with Docker's defaults. What must be looked up on the host or in the image (users, devices,
//! limits of the machine) comes in as values. `containers::create` calls it; errors are in Docker's words.
//!
//! Limits: Linux only; `cgroup` and `user` namespaces of other containers are not joined.

mod capabilities;
mod devices;
mod discards;
mod effective;
mod environment;
mod error;
mod health;
mod logging;
mod mounts;
mod paths;
mod ports;
mod resources;
mod rlimits;
mod seccomp;
mod security;
pub(crate) mod signals;
mod specification;
mod sysctls;
mod users;

pub use capabilities::capability_set;
pub use devices::HostDevice;
pub use discards::discard_unsupported;
pub use effective::effective;
pub use environment::{merge as merge_environment, of_process as process_environment};
pub use error::PlanError;
pub use health::plan as health_plan;
pub use logging::plan as log_plan;
pub use mounts::{PlannedMount, Source, image_volumes, planned as planned_mounts, views as mount_views};
pub use ports::{RequestedPort, exposed, requested};
pub use resources::resources;
pub use security::Security;
pub(crate) use specification::INIT_INSIDE;
pub use specification::{Facts, RuntimeFiles, SpecificationInput, privileged_capabilities, specification};
pub use users::{Account, AccountFiles, lookup as lookup_user};
