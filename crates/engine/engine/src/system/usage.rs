//! What the data root takes, byte by byte.

use crate::Engine;
use crate::containers::{LookupError, volumes_of_instance};
use crate::documents::FileError;
use crate::model::ContainerView;
use ids::{ContainerId, VolumeName};
use image::{StoreError, StoreUsage};
use snapshot::{SnapshotError, SnapshotKey};
use state::StateError;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use volume::VolumeError;

/// One container's part.
#[derive(Debug, Clone)]
pub struct ContainerUsage {
    /// The container.
    pub view: ContainerView,
    /// Bytes that it wrote.
    pub writable: u64,
    /// Bytes of its log and other files.
    pub files: u64,
}

/// One volume's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeUsage {
    /// The volume.
    pub name: VolumeName,
    /// Bytes on the disk.
    pub bytes: u64,
    /// How many containers use it.
    pub users: usize,
}

/// The whole data root.
#[derive(Debug, Clone)]
pub struct DiskUsage {
    /// Images, their layers and blobs.
    pub images: StoreUsage,
    /// Images that containers use, by id.
    pub images_in_use: HashSet<ids::Digest>,
    /// Containers.
    pub containers: Vec<ContainerUsage>,
    /// Volumes.
    pub volumes: Vec<VolumeUsage>,
    /// Bytes of the index.
    pub index: u64,
    /// Bytes of the event log.
    pub events: u64,
    /// Bytes on their way out.
    pub trash: u64,
}

/// Why the data root could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// Containers.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Images.
    #[error(transparent)]
    Images(#[from] StoreError),
    /// What containers wrote.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Volumes.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// Another file.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Engine {
    /// Measures everything below the data root.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn disk_usage(&self) -> Result<DiskUsage, UsageError> {
        let root = &self.context().roots.data;
        let views = self.list(crate::ListFilter { all: true })?;
        let images_in_use = views.iter().map(|view| view.image_id.clone()).collect();
        let mut containers = Vec::with_capacity(views.len());
        for view in views {
            let files = size_of_tree(&self.directories(&view.id).data);
            containers.push(ContainerUsage { writable: self.writable_size(&view.id)?, files, view });
        }
        let store = volumes_of_instance(root);
        let mut volumes = Vec::new();
        for row in self.database()?.read(|reader| reader.volumes())? {
            let users = self.database()?.read(|reader| reader.users_of_volume(row.name.as_str()))?.len();
            volumes.push(VolumeUsage { bytes: store.usage(&row.name)?, users, name: row.name });
        }
        let index = ["state.db", "state.db-wal", "state.db-shm"];
        Ok(DiskUsage {
            images: self.images()?.usage()?,
            images_in_use,
            containers,
            volumes,
            index: index.iter().map(|name| size_of_tree(&root.join(name))).sum(),
            events: size_of_tree(&monitor::layout::events_directory(root)),
            trash: size_below(&crate::containers::trash_directory(root)),
        })
    }

    /// Bytes that a container wrote; 0 for one that is gone meanwhile.
    pub(super) fn writable_size(&self, id: &ContainerId) -> Result<u64, UsageError> {
        let Ok(key) = SnapshotKey::parse(id.as_str()) else { return Ok(0) };
        match self.images()?.snapshots().usage(&key) {
            Ok(usage) => Ok(usage.bytes),
            Err(SnapshotError::MissingSnapshot { .. }) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

/// Bytes on the disk of what is in a directory, which itself stays.
fn size_below(path: &Path) -> u64 {
    let own = fs::symlink_metadata(path).map_or(0, |found| found.blocks() * 512);
    size_of_tree(path).saturating_sub(own)
}

/// Bytes on the disk of a file, or of a directory and all below it; what is gone or cannot be read counts nothing.
pub(super) fn size_of_tree(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    let mut bytes = found.blocks() * 512;
    if found.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        bytes += entries.map(|entry| size_of_tree(&entry.path())).sum::<u64>();
    }
    bytes
}
