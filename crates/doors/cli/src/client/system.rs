//! All of it together: events, and the removal of what is not needed.

use super::{EventQuery, PruneScope};
use crate::failure::Failure;
use crate::keep::Keep;
use docker_model::{EventMessage, ImageDeleteItem};

/// What happens, as it does.
pub(crate) type EventMessages<'a> = Box<dyn Iterator<Item = Result<EventMessage, Failure>> + 'a>;

/// What is removed when it is not needed, in this order.
pub(crate) struct PruneQuery<'a> {
    /// Containers that do not run.
    pub(crate) containers: bool,
    /// Networks that none of them is connected to.
    pub(crate) networks: bool,
    /// Images without a container.
    pub(crate) images: Option<PruneScope>,
    /// Volumes without a name and a container.
    pub(crate) volumes: bool,
    /// What stays all the same.
    pub(crate) keep: &'a Keep,
}

/// What was removed.
#[derive(Debug, Default)]
pub(crate) struct Pruned {
    /// Ids.
    pub(crate) containers: Vec<String>,
    /// Names.
    pub(crate) networks: Vec<String>,
    /// Names.
    pub(crate) volumes: Vec<String>,
    /// Names and ids.
    pub(crate) images: Vec<ImageDeleteItem>,
    /// Bytes.
    pub(crate) bytes: u64,
}

/// All of it together.
pub(crate) trait System {
    /// What has happened, and then what happens.
    fn events(&self, query: EventQuery) -> Result<EventMessages<'_>, Failure>;

    /// Removes what is not needed.
    fn prune(&self, query: &PruneQuery<'_>) -> Result<Pruned, Failure>;
}
