//! Networks.

use crate::{Reader, StateError, Writer};
use ids::{NetworkId, NetworkName};
use rusqlite::{OptionalExtension, params};

/// One network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRow {
    /// Its id.
    pub id: NetworkId,
    /// Its name, unique.
    pub name: NetworkName,
    /// Nanoseconds since 1970.
    pub created: i64,
    /// The engine's JSON.
    pub record: Vec<u8>,
}

type Raw = (String, String, i64, Vec<u8>);

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn checked((id, name, created, record): Raw) -> Result<NetworkRow, StateError> {
    Ok(NetworkRow {
        id: NetworkId::parse(&id).map_err(|_| StateError::Invalid { what: "network id", text: id })?,
        name: NetworkName::parse(&name)
            .map_err(|_| StateError::Invalid { what: "network name", text: name })?,
        created,
        record,
    })
}

impl Reader<'_> {
    /// The network with that name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn network_named(&self, name: &str) -> Result<Option<NetworkRow>, StateError> {
        self.connection
            .query_row("SELECT id, name, created, record FROM networks WHERE name = ?1", params![name], raw)
            .optional()
            .map_err(StateError::reading)?
            .map(checked)
            .transpose()
    }

    /// The network with that id.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn network(&self, id: &NetworkId) -> Result<Option<NetworkRow>, StateError> {
        self.connection
            .query_row(
                "SELECT id, name, created, record FROM networks WHERE id = ?1",
                params![id.as_str()],
                raw,
            )
            .optional()
            .map_err(StateError::reading)?
            .map(checked)
            .transpose()
    }

    /// All networks, oldest first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn networks(&self) -> Result<Vec<NetworkRow>, StateError> {
        let mut statement = self
            .connection
            .prepare("SELECT id, name, created, record FROM networks ORDER BY created, id")
            .map_err(StateError::reading)?;
        let rows = statement.query_map([], raw).map_err(StateError::reading)?;
        rows.map(|row| checked(row.map_err(StateError::reading)?)).collect()
    }
}

impl Writer<'_> {
    /// Adds a network; whether the name was free.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn insert_network(&self, network: &NetworkRow) -> Result<bool, StateError> {
        self.connection
            .execute(
                "INSERT OR IGNORE INTO networks (id, name, created, record) VALUES (?1, ?2, ?3, ?4)",
                params![network.id.as_str(), network.name.as_str(), network.created, network.record],
            )
            .map(|count| count == 1)
            .map_err(StateError::changing)
    }

    /// Removes a network and its leases; whether it was there.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn delete_network(&self, id: &NetworkId) -> Result<bool, StateError> {
        let id = id.as_str();
        self.connection
            .execute("DELETE FROM networks WHERE id = ?1", params![id])
            .and_then(|count| {
                self.connection.execute("DELETE FROM leases WHERE network = ?1", params![id])?;
                self.connection.execute("DELETE FROM lease_cursors WHERE network = ?1", params![id])?;
                Ok(count == 1)
            })
            .map_err(StateError::changing)
    }
}
