//! What the index keeps about a container: a versioned document of the engine.

use super::observe::Observed;
use crate::model::{ContainerConfig, EffectiveConfig, MountView};
use crate::plan::RequestedPort;
use ids::{ContainerId, ContainerName, Digest, EndpointId};
use serde::{Deserialize, Serialize};
use state::ContainerRow;

/// The version that this program writes.
pub(crate) const VERSION: u32 = 1;

/// The document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// [`VERSION`] of the program that wrote it.
    pub(crate) version: u32,
    /// The request.
    pub(crate) config: ContainerConfig,
    /// Its merge with the image.
    pub(crate) effective: EffectiveConfig,
    /// Mounts of request and image.
    #[serde(default)]
    pub(crate) mounts: Vec<MountView>,
    /// Ports to publish at each start.
    #[serde(default)]
    pub(crate) ports: Vec<RequestedPort>,
    /// Made by `run`, which starts it at once: one that was never started was abandoned.
    #[serde(default)]
    pub(crate) by_run: bool,
    /// Attachments to its networks, whose addresses it holds for life.
    #[serde(default)]
    pub(crate) endpoints: Vec<EndpointId>,
}

impl Record {
    /// As the index keeps it.
    pub(crate) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

/// A row with its document read.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    /// Its id.
    pub(crate) id: ContainerId,
    /// Its name.
    pub(crate) name: ContainerName,
    /// Nanoseconds since 1970.
    pub(crate) created: i64,
    /// The image's id.
    pub(crate) image: Digest,
    /// The document.
    pub(crate) record: Record,
}

impl Container {
    /// Whether it was to be removed by now: an `auto_remove` one that has ended, or was never started by the `run`
    /// that made it. Nobody else is at it when its operation lock is free.
    pub(crate) fn is_overdue(&self, observed: &Observed) -> bool {
        let ended = observed.exited.as_ref().is_some_and(|exited| !exited.restarting);
        let abandoned = self.record.by_run && observed.started.is_none();
        self.record.config.auto_remove && !observed.owned && !observed.alive && (ended || abandoned)
    }

    pub(crate) fn read(row: ContainerRow) -> Result<Self, super::LookupError> {
        let record = serde_json::from_slice(&row.record)
            .map_err(|source| super::LookupError::Record { id: row.id.clone(), source })?;
        Ok(Self { id: row.id, name: row.name, created: row.created, image: row.image, record })
    }
}
