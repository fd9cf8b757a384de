//! Containers: identity, name and record.

use crate::{Reader, StateError, Writer};
use ids::{ContainerId, ContainerName, Digest};
use rusqlite::{OptionalExtension, Row, params};

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRow {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Nanoseconds since 1970.
    pub created: i64,
    /// The image's id.
    pub image: Digest,
    /// The engine's JSON.
    pub record: Vec<u8>,
}

/// A container to add.
#[derive(Debug, Clone, Copy)]
pub struct NewContainer<'a> {
    /// Its id.
    pub id: &'a ContainerId,
    /// Whose it is.
    pub namespace: &'a str,
    /// Its name, unique in the namespace.
    pub name: &'a ContainerName,
    /// Nanoseconds since 1970.
    pub created: i64,
    /// The image's id.
    pub image: &'a Digest,
    /// The engine's JSON.
    pub record: &'a [u8],
}

/// How adding a container went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// It is there.
    Done,
    /// Another one has the name.
    NameTaken(ContainerId),
}

/// How a rename went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renamed {
    /// It has the name now.
    Done,
    /// Another one has it.
    NameTaken(ContainerId),
    /// There is no such container.
    Gone,
}

const COLUMNS: &str = "id, name, created, image, record";

struct RawRow {
    id: String,
    name: String,
    created: i64,
    image: String,
    record: Vec<u8>,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<RawRow> {
    Ok(RawRow {
        id: row.get(0)?,
        name: row.get(1)?,
        created: row.get(2)?,
        image: row.get(3)?,
        record: row.get(4)?,
    })
}

impl RawRow {
    fn checked(self) -> Result<ContainerRow, StateError> {
        Ok(ContainerRow {
            id: container_id(self.id)?,
            name: ContainerName::parse(&self.name)
                .map_err(|_| StateError::Invalid { what: "container name", text: self.name })?,
            created: self.created,
            image: Digest::parse(&self.image)
                .map_err(|_| StateError::Invalid { what: "image id", text: self.image })?,
            record: self.record,
        })
    }
}

pub(crate) fn container_id(text: String) -> Result<ContainerId, StateError> {
    ContainerId::parse(&text).map_err(|_| StateError::Invalid { what: "container id", text })
}

impl Reader<'_> {
    /// One container by its id.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn container(&self, namespace: &str, id: &ContainerId) -> Result<Option<ContainerRow>, StateError> {
        let sql = format!("SELECT {COLUMNS} FROM containers WHERE id = ?1 AND namespace = ?2");
        self.connection
            .query_row(&sql, params![id.as_str(), namespace], raw)
            .optional()
            .map_err(StateError::reading)?
            .map(RawRow::checked)
            .transpose()
    }

    /// The id of the container with that name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn container_named(&self, namespace: &str, name: &str) -> Result<Option<ContainerId>, StateError> {
        self.connection
            .query_row(
                "SELECT id FROM containers WHERE namespace = ?1 AND name = ?2",
                params![namespace, name],
                |row| row.get(0),
            )
            .optional()
            .map_err(StateError::reading)?
            .map(container_id)
            .transpose()
    }

    /// Ids that begin with `prefix` (hexadecimal digits), two at the most.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn containers_beginning(
        &self,
        namespace: &str,
        prefix: &str,
    ) -> Result<Vec<ContainerId>, StateError> {
        let mut statement = self
            .connection
            .prepare("SELECT id FROM containers WHERE id >= ?1 AND id < ?2 AND namespace = ?3 LIMIT 2")
            .map_err(StateError::reading)?;
        // `g` follows the last hexadecimal digit.
        let rows = statement
            .query_map(params![prefix, format!("{prefix}g"), namespace], |row| row.get(0))
            .map_err(StateError::reading)?;
        rows.map(|id| container_id(id.map_err(StateError::reading)?)).collect()
    }

    /// All containers of a namespace, newest first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn containers(&self, namespace: &str) -> Result<Vec<ContainerRow>, StateError> {
        let sql = format!("SELECT {COLUMNS} FROM containers WHERE namespace = ?1 ORDER BY created DESC, id");
        let mut statement = self.connection.prepare(&sql).map_err(StateError::reading)?;
        let rows = statement.query_map(params![namespace], raw).map_err(StateError::reading)?;
        rows.map(|row| row.map_err(StateError::reading)?.checked()).collect()
    }

    /// Ids of all containers, of every namespace.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn container_ids(&self) -> Result<Vec<ContainerId>, StateError> {
        let mut statement =
            self.connection.prepare("SELECT id FROM containers").map_err(StateError::reading)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(StateError::reading)?;
        rows.map(|id| container_id(id.map_err(StateError::reading)?)).collect()
    }

    /// Ids of the containers that were made from an image, of every namespace.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn containers_of_image(&self, image: &Digest) -> Result<Vec<ContainerId>, StateError> {
        let mut statement = self
            .connection
            .prepare("SELECT id FROM containers WHERE image = ?1")
            .map_err(StateError::reading)?;
        let rows =
            statement.query_map(params![image.as_str()], |row| row.get(0)).map_err(StateError::reading)?;
        rows.map(|id| container_id(id.map_err(StateError::reading)?)).collect()
    }
}

impl Writer<'_> {
    /// Adds a container, unless its name is taken.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn insert_container(&self, new: &NewContainer<'_>) -> Result<Inserted, StateError> {
        if let Some(other) = self.container_named(new.namespace, new.name.as_str())? {
            return Ok(Inserted::NameTaken(other));
        }
        self.connection
            .execute(
                "INSERT INTO containers (id, namespace, name, created, image, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    new.id.as_str(),
                    new.namespace,
                    new.name.as_str(),
                    new.created,
                    new.image.as_str(),
                    new.record
                ],
            )
            .map_err(StateError::changing)?;
        Ok(Inserted::Done)
    }

    /// Replaces a container's record; whether there is such a container.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn update_container(&self, id: &ContainerId, record: &[u8]) -> Result<bool, StateError> {
        self.connection
            .execute("UPDATE containers SET record = ?2 WHERE id = ?1", params![id.as_str(), record])
            .map(|count| count == 1)
            .map_err(StateError::changing)
    }

    /// Gives a container another name, unless that is taken.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn rename_container(
        &self,
        namespace: &str,
        id: &ContainerId,
        name: &ContainerName,
    ) -> Result<Renamed, StateError> {
        match self.container_named(namespace, name.as_str())? {
            Some(other) if other != *id => return Ok(Renamed::NameTaken(other)),
            _ => {}
        }
        let changed = self
            .connection
            .execute(
                "UPDATE containers SET name = ?3 WHERE id = ?1 AND namespace = ?2",
                params![id.as_str(), namespace, name.as_str()],
            )
            .map_err(StateError::changing)?;
        Ok(if changed == 1 { Renamed::Done } else { Renamed::Gone })
    }

    /// Removes a container, its ports and its uses of volumes; whether it was there.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn delete_container(&self, id: &ContainerId) -> Result<bool, StateError> {
        let id = id.as_str();
        let deleted = self
            .connection
            .execute("DELETE FROM containers WHERE id = ?1", params![id])
            .and_then(|count| {
                self.connection.execute("DELETE FROM ports WHERE container = ?1", params![id])?;
                self.connection.execute("DELETE FROM volume_uses WHERE container = ?1", params![id])?;
                Ok(count == 1)
            })
            .map_err(StateError::changing)?;
        Ok(deleted)
    }
}
