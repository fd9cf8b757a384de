//! What the index keeps about a container: a versioned document of the engine.

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
    /// Attachment to its network, whose address it holds for life.
    #[serde(default)]
    pub(crate) endpoint: Option<EndpointId>,
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
    pub(crate) fn read(row: ContainerRow) -> Result<Self, super::LookupError> {
        let record = serde_json::from_slice(&row.record)
            .map_err(|source| super::LookupError::Record { id: row.id.clone(), source })?;
        Ok(Self { id: row.id, name: row.name, created: row.created, image: row.image, record })
    }
}
