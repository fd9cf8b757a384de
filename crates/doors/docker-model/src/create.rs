//! `POST /containers/create`.

use crate::{ContainerConfig, EndpointSettings, HostConfig};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The request's body.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerCreateRequest {
    /// What the container is, independent of the host.
    #[serde(flatten)]
    pub config: ContainerConfig,
    /// What depends on the host.
    #[serde(rename = "HostConfig")]
    pub host_config: HostConfig,
    /// Networks it joins.
    #[serde(rename = "NetworkingConfig")]
    pub networking_config: NetworkingConfig,
}

/// Networks that a container joins when it is created.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkingConfig {
    /// By name or id of the network.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub endpoints_config: BTreeMap<String, EndpointSettings>,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerCreateResponse {
    /// The new container's id.
    pub id: String,
    /// What a person should know, one line each.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub warnings: Vec<String>,
}

/// The answer of `POST /containers/{id}/wait`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerWaitResponse {
    /// Exit code.
    pub status_code: i64,
    /// Why the end is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ContainerWaitError>,
}

/// Part of [`ContainerWaitResponse`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerWaitError {
    /// One line for a person.
    pub message: String,
}

/// The answer of `GET /containers/{id}/top`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerTopResponse {
    /// One row per process.
    pub processes: Vec<Vec<String>>,
    /// Names of the columns.
    pub titles: Vec<String>,
}
