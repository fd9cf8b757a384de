//! Volumes and who uses them.

use crate::containers::container_id;
use crate::{Reader, StateError, Writer};
use ids::{ContainerId, VolumeName};
use rusqlite::{OptionalExtension, params};

/// One volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRow {
    /// Its name.
    pub name: VolumeName,
    /// Nanoseconds since 1970.
    pub created: i64,
    /// The engine's JSON.
    pub record: Vec<u8>,
}

type Raw = (String, i64, Vec<u8>);

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn checked((name, created, record): Raw) -> Result<VolumeRow, StateError> {
    let name =
        VolumeName::parse(&name).map_err(|_| StateError::Invalid { what: "volume name", text: name })?;
    Ok(VolumeRow { name, created, record })
}

impl Reader<'_> {
    /// One volume.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn volume(&self, name: &VolumeName) -> Result<Option<VolumeRow>, StateError> {
        self.connection
            .query_row(
                "SELECT name, created, record FROM volumes WHERE name = ?1",
                params![name.as_str()],
                raw,
            )
            .optional()
            .map_err(StateError::reading)?
            .map(checked)
            .transpose()
    }

    /// All volumes, by name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn volumes(&self) -> Result<Vec<VolumeRow>, StateError> {
        let mut statement = self
            .connection
            .prepare("SELECT name, created, record FROM volumes ORDER BY name")
            .map_err(StateError::reading)?;
        let rows = statement.query_map([], raw).map_err(StateError::reading)?;
        rows.map(|row| checked(row.map_err(StateError::reading)?)).collect()
    }

    /// Volumes that a container uses, by name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn volumes_of(&self, container: &ContainerId) -> Result<Vec<VolumeRow>, StateError> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT name, created, record FROM volumes JOIN volume_uses ON volume = name WHERE container = ?1",
            )
            .map_err(StateError::reading)?;
        let rows = statement.query_map(params![container.as_str()], raw).map_err(StateError::reading)?;
        rows.map(|row| checked(row.map_err(StateError::reading)?)).collect()
    }

    /// Containers that use a volume.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn users_of_volume(&self, volume: &str) -> Result<Vec<ContainerId>, StateError> {
        let mut statement = self
            .connection
            .prepare("SELECT container FROM volume_uses WHERE volume = ?1 ORDER BY container")
            .map_err(StateError::reading)?;
        let rows = statement.query_map(params![volume], |row| row.get(0)).map_err(StateError::reading)?;
        rows.map(|id| container_id(id.map_err(StateError::reading)?)).collect()
    }
}

impl Writer<'_> {
    /// Adds a volume; whether the name was free.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn insert_volume(&self, volume: &VolumeRow) -> Result<bool, StateError> {
        self.connection
            .execute(
                "INSERT OR IGNORE INTO volumes (name, created, record) VALUES (?1, ?2, ?3)",
                params![volume.name.as_str(), volume.created, volume.record],
            )
            .map(|count| count == 1)
            .map_err(StateError::changing)
    }

    /// Notes that a container uses a volume.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn use_volume(&self, container: &ContainerId, volume: &VolumeName) -> Result<(), StateError> {
        self.connection
            .execute(
                "INSERT OR IGNORE INTO volume_uses (container, volume) VALUES (?1, ?2)",
                params![container.as_str(), volume.as_str()],
            )
            .map(drop)
            .map_err(StateError::changing)
    }

    /// Removes a volume that nobody uses; whether it was there and unused.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn delete_unused_volume(&self, name: &VolumeName) -> Result<bool, StateError> {
        self.connection
            .execute(
                "DELETE FROM volumes WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM volume_uses WHERE volume = ?1)",
                params![name.as_str()],
            )
            .map(|count| count == 1)
            .map_err(StateError::changing)
    }
}
