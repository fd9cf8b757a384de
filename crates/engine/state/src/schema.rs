//! The tables and their version.

use crate::StateError;
use rusqlite::Connection;
use std::path::Path;

/// Version of the tables, kept in `PRAGMA user_version`; 0 is a file without tables.
pub(crate) const VERSION: u32 = 1;

/// Version 1. Records are JSON of the engine; columns hold what is looked up, unique or joined.
const TABLES: &str = "
CREATE TABLE containers (
    id        TEXT NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    name      TEXT NOT NULL,
    created   INTEGER NOT NULL,
    image     TEXT NOT NULL,
    record    BLOB NOT NULL,
    UNIQUE (namespace, name)
);
CREATE TABLE images (
    namespace TEXT NOT NULL,
    id        TEXT NOT NULL,
    target    TEXT NOT NULL,
    added     INTEGER NOT NULL,
    PRIMARY KEY (namespace, id)
) WITHOUT ROWID;
CREATE TABLE image_names (
    namespace TEXT NOT NULL,
    reference TEXT NOT NULL,
    id        TEXT NOT NULL,
    target    TEXT NOT NULL,
    PRIMARY KEY (namespace, reference)
) WITHOUT ROWID;
CREATE INDEX image_names_by_id ON image_names (namespace, id);
CREATE TABLE networks (
    id      TEXT NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    record  BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE leases (
    network TEXT NOT NULL,
    address INTEGER NOT NULL,
    owner   TEXT NOT NULL UNIQUE,
    PRIMARY KEY (network, address)
) WITHOUT ROWID;
CREATE TABLE lease_cursors (
    network TEXT NOT NULL PRIMARY KEY,
    address INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE ports (
    container TEXT NOT NULL,
    protocol  INTEGER NOT NULL,
    host_ip   TEXT NOT NULL,
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (container, protocol, host_ip, first)
) WITHOUT ROWID;
CREATE TABLE volumes (
    name    TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    record  BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE volume_uses (
    container TEXT NOT NULL,
    volume    TEXT NOT NULL,
    PRIMARY KEY (container, volume)
) WITHOUT ROWID;
CREATE INDEX volume_uses_by_volume ON volume_uses (volume);
";

/// The version of the open file.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Makes the tables; the caller holds the queue lock, so nobody else does.
pub(crate) fn initialise(connection: &Connection, path: &Path) -> Result<(), StateError> {
    let open = |source| StateError::Open { path: path.to_owned(), source };
    // The journal mode is stored in the file; changing it later needs the file for oneself alone.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).map_err(open)?;
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = FULL; BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
        ))
        .map_err(open)
}
