//! `GET /containers/{id}/changes`.

use serde::{Deserialize, Serialize};

/// A path that a container changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FilesystemChange {
    /// Absolute, inside.
    pub path: String,
    /// 0: another than the image's; 1: the image does not have it; 2: the image's is not there any more.
    pub kind: u8,
}
