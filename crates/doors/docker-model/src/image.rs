//! Images.

use crate::{ContainerConfig, DriverData, StringMap};
use serde::{Deserialize, Serialize};

/// An image in a list (`GET /images/json`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageSummary {
    /// Containers that use it; -1 when not counted.
    pub containers: i64,
    /// Seconds since 1970.
    pub created: i64,
    /// Id.
    pub id: String,
    /// Metadata; `null` for none.
    pub labels: Option<StringMap>,
    /// Image that it was built upon, if known.
    pub parent_id: String,
    /// Names with a digest.
    pub repo_digests: Vec<String>,
    /// Names with a tag.
    pub repo_tags: Vec<String>,
    /// Bytes shared with other images; -1 when not counted.
    pub shared_size: i64,
    /// Bytes.
    pub size: i64,
}

/// Everything about an image (`GET /images/{name}/json`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageInspect {
    /// Id.
    pub id: String,
    /// Names with a tag.
    pub repo_tags: Vec<String>,
    /// Names with a digest.
    pub repo_digests: Vec<String>,
    /// Image that it was built upon, if known.
    pub parent: String,
    /// Comment of the last step.
    pub comment: String,
    /// RFC 3339.
    pub created: String,
    /// Version that built it.
    pub docker_version: String,
    /// Who made it.
    pub author: String,
    /// How it is run.
    pub config: ContainerConfig,
    /// GOARCH.
    pub architecture: String,
    /// Variant of the processor.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// GOOS.
    pub os: String,
    /// Bytes.
    pub size: i64,
    /// Storage.
    pub graph_driver: DriverData,
    /// Layers.
    #[serde(rename = "RootFS")]
    pub root_fs: RootFs,
    /// What only this store knows.
    pub metadata: ImageMetadata,
}

/// Layers of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RootFs {
    /// `layers`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Digests of the uncompressed layers, base first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
}

/// Part of [`ImageInspect`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageMetadata {
    /// RFC 3339; year 1 for never.
    pub last_tag_time: String,
}

/// One step of `DELETE /images/{name}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageDeleteItem {
    /// A name that is gone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub untagged: String,
    /// An image or layer that is gone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub deleted: String,
}

/// One line of `docker history`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageHistoryItem {
    /// Id, or `<missing>`.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The step.
    pub created_by: String,
    /// Names.
    pub tags: Option<Vec<String>>,
    /// Bytes.
    pub size: i64,
    /// Comment.
    pub comment: String,
}

/// The answer of `POST /images/prune`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImagesPruneReport {
    /// What was removed.
    pub images_deleted: Option<Vec<ImageDeleteItem>>,
    /// Bytes.
    pub space_reclaimed: u64,
}

/// The answer of `POST /containers/prune`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainersPruneReport {
    /// Ids.
    pub containers_deleted: Option<Vec<String>>,
    /// Bytes.
    pub space_reclaimed: u64,
}

/// One line of the progress of pull, push, load and import.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressMessage {
    /// What is going on, or was done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Plain text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stream: String,
    /// Of what: a layer's short id, or a tag.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// How far.
    #[serde(rename = "progressDetail", skip_serializing_if = "Option::is_none")]
    pub progress_detail: Option<ProgressDetail>,
    /// Why it failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// How far an action is; in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressDetail {
    /// Done.
    pub current: u64,
    /// Of; 0 when not known.
    pub total: u64,
}
