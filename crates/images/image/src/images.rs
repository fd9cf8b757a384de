//! The store of images as one object.

use content::{ContentStore, ReferenceStore};
use snapshot::{Flavour, Overlay, Snapshotter};
use std::path::Path;
use std::sync::Arc;

/// How much we are willing to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest layer or import as it travels, in bytes.
    pub blob_bytes: u64,
    /// The largest layer when unpacked, in bytes: what a decompression bomb is stopped at.
    pub unpacked_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { blob_bytes: 64 << 30, unpacked_bytes: 256 << 30 }
    }
}

/// Images of one namespace. Cheap to open (no system call) and to clone.
#[derive(Clone)]
pub struct Images {
    pub(crate) content: ContentStore,
    pub(crate) snapshots: Arc<dyn Snapshotter>,
    pub(crate) names: Arc<dyn ReferenceStore>,
    pub(crate) flavour: Flavour,
    pub(crate) namespace: String,
    pub(crate) limits: Limits,
}

impl Images {
    /// The images below `data_root` (`content`, `snapshots`), named by `names`, of one namespace.
    #[must_use]
    pub fn open(data_root: &Path, flavour: Flavour, names: Arc<dyn ReferenceStore>, namespace: &str) -> Self {
        Self {
            content: ContentStore::open(data_root.join("content")),
            snapshots: Arc::new(Overlay::open(data_root.join("snapshots"), flavour)),
            names,
            flavour,
            namespace: namespace.to_owned(),
            limits: Limits::default(),
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The snapshotter, for the file systems of containers.
    #[must_use]
    pub fn snapshots(&self) -> &dyn Snapshotter {
        self.snapshots.as_ref()
    }

    /// The blobs.
    #[must_use]
    pub fn content(&self) -> &ContentStore {
        &self.content
    }
}

/// Now, in nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
