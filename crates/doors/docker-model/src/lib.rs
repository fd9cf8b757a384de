//! Wire types of the Docker Engine API, as Docker 28 (API 1.50) writes them.
//!
//! Used by the command line, by the API server and by clients of other servers. Field names, their order, `null`s and
//! zero values are Docker's, because clients depend on them; a field is optional only where Docker may leave it out
//! (`omitempty`) or writes `null`. Source: moby's `api/swagger.yaml`, and what its server answers.
//!
//! There is no logic here beyond (de)serialising. Limits: what Docker has for Windows and Swarm is absent.

mod change;
mod container;
mod create;
mod event;
mod exec;
mod host_config;
mod image;
mod inspect;
mod mount;
mod network;
mod network_resource;
mod stats;
mod summary;
mod system;
mod volume;

pub use change::*;
pub use container::*;
pub use create::*;
pub use event::*;
pub use exec::*;
pub use host_config::*;
pub use image::*;
pub use inspect::*;
pub use mount::*;
pub use network::*;
pub use network_resource::*;
pub use stats::*;
pub use summary::*;
pub use system::*;
pub use volume::*;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Labels, options and the like; Docker writes them sorted.
pub type StringMap = BTreeMap<String, String>;

/// The body of an answer that reports an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorResponse {
    /// One line for a person.
    pub message: String,
}

/// Go's empty struct, `{}`: the value of a set that is written as a map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Accepts `null` where Go's decoder would leave the zero value.
pub(crate) fn null_as_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}

pub(crate) fn is_zero(value: &i64) -> bool {
    *value == 0
}
