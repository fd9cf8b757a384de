//! Volumes as people see them.

use crate::Engine;
use crate::containers::{VolumeRecord, observe, volumes_of_instance};
use ids::{ContainerId, VolumeName};
use monitor::clock;
use monitor::events::Event;
use state::{StateError, VolumeRow};
use std::collections::BTreeMap;
use std::path::PathBuf;
use volume::VolumeError;

/// One volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeView {
    /// Its name.
    pub name: VolumeName,
    /// RFC 3339 with nanoseconds, UTC.
    pub created: String,
    /// Made for one container, without a name of its own.
    pub anonymous: bool,
    /// Metadata.
    pub labels: BTreeMap<String, String>,
    /// Where its content is.
    pub path: PathBuf,
    /// How many containers use it.
    pub users: usize,
}

/// Why a volume could not be worked with.
#[derive(Debug, thiserror::Error)]
pub enum VolumesError {
    /// None of that name. The words are Docker's.
    #[error("get {name}: no such volume")]
    NotFound {
        /// The name.
        name: VolumeName,
    },
    /// A container uses it. The words are Docker's.
    #[error("remove {name}: volume is in use - [{}]", users.iter().map(ContainerId::as_str).collect::<Vec<_>>().join(", "))]
    InUse {
        /// The name.
        name: VolumeName,
        /// Which containers.
        users: Vec<ContainerId>,
    },
    /// The file system.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Engine {
    /// Makes a volume; one that exists is left as it is. Without a name it gets a random one.
    ///
    /// # Errors
    /// See [`VolumesError`].
    pub fn create_volume(
        &self,
        name: Option<VolumeName>,
        labels: BTreeMap<String, String>,
    ) -> Result<VolumeView, VolumesError> {
        let anonymous = name.is_none();
        let name = name.unwrap_or_else(crate::containers::random_volume_name);
        let record = VolumeRecord { anonymous, labels };
        // Plain data always serialises.
        let record = serde_json::to_vec(&record).unwrap_or_default();
        let row = VolumeRow { name: name.clone(), created: clock::now_ns(), record };
        let new: Result<bool, StateError> =
            self.database()?.write(state::Durability::Power, |writer| writer.insert_volume(&row));
        volumes_of_instance(&self.context().roots.data).create(&name)?;
        if new? {
            self.event(&Event::now("volume", "create", name.as_str()).with("driver", "local"));
        }
        self.inspect_volume(&name)
    }

    /// All volumes, by name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn list_volumes(&self) -> Result<Vec<VolumeView>, VolumesError> {
        let rows = self.database()?.read(|reader| reader.volumes())?;
        rows.into_iter().map(|row| self.volume_view(row)).collect()
    }

    /// One volume.
    ///
    /// # Errors
    /// [`VolumesError::NotFound`], or when the index cannot be read.
    pub fn inspect_volume(&self, name: &VolumeName) -> Result<VolumeView, VolumesError> {
        let row = self.database()?.read(|reader| reader.volume(name))?;
        self.volume_view(row.ok_or_else(|| VolumesError::NotFound { name: name.clone() })?)
    }

    fn volume_view(&self, row: VolumeRow) -> Result<VolumeView, VolumesError> {
        let users = self.database()?.read(|reader| reader.users_of_volume(row.name.as_str()))?.len();
        let record: VolumeRecord = serde_json::from_slice(&row.record).unwrap_or_default();
        Ok(VolumeView {
            path: volumes_of_instance(&self.context().roots.data).data(&row.name),
            name: row.name,
            created: observe::rfc3339(row.created),
            anonymous: record.anonymous,
            labels: record.labels,
            users,
        })
    }

    /// Removes a volume that no container uses.
    ///
    /// # Errors
    /// [`VolumesError::NotFound`], [`VolumesError::InUse`].
    pub fn remove_volume(&self, name: &VolumeName) -> Result<(), VolumesError> {
        if self.remove_unused_volume(name)? {
            return Ok(());
        }
        let users = self.database()?.read(|reader| reader.users_of_volume(name.as_str()))?;
        if users.is_empty() {
            return Err(VolumesError::NotFound { name: name.clone() });
        }
        Err(VolumesError::InUse { name: name.clone(), users })
    }

    /// Removes a volume if nobody uses it; whether it was there and unused. The record goes first: killed in between,
    /// a directory without a record is left, which `system check` finds.
    pub(crate) fn remove_unused_volume(&self, name: &VolumeName) -> Result<bool, VolumesError> {
        let gone: Result<bool, StateError> =
            self.database()?.write(state::Durability::Power, |writer| writer.delete_unused_volume(name));
        if !gone? {
            return Ok(false);
        }
        volumes_of_instance(&self.context().roots.data).remove(name)?;
        self.event(&Event::now("volume", "destroy", name.as_str()).with("driver", "local"));
        Ok(true)
    }
}
