//! Volumes.

use crate::StringMap;
use serde::{Deserialize, Serialize};

/// A volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Volume {
    /// RFC 3339.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_at: String,
    /// Driver.
    pub driver: String,
    /// Metadata.
    pub labels: Option<StringMap>,
    /// Path on the host.
    pub mountpoint: String,
    /// Name.
    pub name: String,
    /// Options of the driver.
    pub options: Option<StringMap>,
    /// `local`.
    pub scope: String,
    /// Of `system df`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_data: Option<VolumeUsage>,
}

/// Use of a volume.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeUsage {
    /// Containers that use it; -1 when not counted.
    pub ref_count: i64,
    /// Bytes; -1 when not counted.
    pub size: i64,
}

/// `POST /volumes/create`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeCreateRequest {
    /// Name; a random one when empty.
    pub name: String,
    /// Driver; `local` when empty.
    pub driver: String,
    /// Options of the driver.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub driver_opts: StringMap,
    /// Metadata.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub labels: StringMap,
}

/// `GET /volumes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeListResponse {
    /// The volumes.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub volumes: Vec<Volume>,
    /// What a person should know.
    pub warnings: Option<Vec<String>>,
}

/// The answer of `POST /volumes/prune`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumesPruneReport {
    /// Names.
    pub volumes_deleted: Option<Vec<String>>,
    /// Bytes.
    pub space_reclaimed: u64,
}
