//! Images and their names: the memory behind [`content::ReferenceStore`].

use crate::{Database, Durability, StateError, Writer};
use content::{Change, ImageRecord, NameRecord, ReferenceStore, ReferenceStoreError};
use ids::{Digest, Reference};
use rusqlite::{OptionalExtension, Params, Row, params};

type RawName = (String, String, String, String);
type RawImage = (String, String, String, i64);

fn raw_name(row: &Row<'_>) -> rusqlite::Result<RawName> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn raw_image(row: &Row<'_>) -> rusqlite::Result<RawImage> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn digest(text: String) -> Result<Digest, StateError> {
    Digest::parse(&text).map_err(|_| StateError::Invalid { what: "digest", text })
}

fn checked_name((namespace, reference, id, target): RawName) -> Result<NameRecord, StateError> {
    let reference = Reference::parse(&reference)
        .map_err(|_| StateError::Invalid { what: "image reference", text: reference })?;
    Ok(NameRecord { namespace, reference, id: digest(id)?, target: digest(target)? })
}

fn checked_image((namespace, id, target, added): RawImage) -> Result<ImageRecord, StateError> {
    Ok(ImageRecord { namespace, id: digest(id)?, target: digest(target)?, added })
}

fn read_error(source: StateError) -> ReferenceStoreError {
    ReferenceStoreError { action: "read", source: source.into() }
}

impl Database {
    fn select<Raw, T>(
        &self,
        sql: &str,
        key: impl Params,
        raw: fn(&Row<'_>) -> rusqlite::Result<Raw>,
        checked: fn(Raw) -> Result<T, StateError>,
    ) -> Result<Vec<T>, ReferenceStoreError> {
        self.read(|reader| {
            let mut statement = reader.connection.prepare(sql).map_err(StateError::reading)?;
            let rows = statement.query_map(key, raw).map_err(StateError::reading)?;
            rows.map(|row| checked(row.map_err(StateError::reading)?)).collect::<Result<Vec<T>, StateError>>()
        })
        .map_err(read_error)
    }

    fn select_one<Raw, T>(
        &self,
        sql: &str,
        key: impl Params,
        raw: fn(&Row<'_>) -> rusqlite::Result<Raw>,
        checked: fn(Raw) -> Result<T, StateError>,
    ) -> Result<Option<T>, ReferenceStoreError> {
        self.read(|reader| {
            let found = reader.connection.query_row(sql, key, raw).optional();
            found.map_err(StateError::reading)?.map(checked).transpose()
        })
        .map_err(read_error)
    }
}

impl ReferenceStore for Database {
    fn name(
        &self,
        namespace: &str,
        reference: &Reference,
    ) -> Result<Option<NameRecord>, ReferenceStoreError> {
        let sql = "SELECT namespace, reference, id, target FROM image_names WHERE namespace = ?1 AND reference = ?2";
        self.select_one(sql, params![namespace, reference.as_str()], raw_name, checked_name)
    }

    fn names_of(&self, namespace: &str, id: &Digest) -> Result<Vec<NameRecord>, ReferenceStoreError> {
        let sql = "SELECT namespace, reference, id, target FROM image_names WHERE namespace = ?1 AND id = ?2 \
                   ORDER BY reference";
        self.select(sql, params![namespace, id.as_str()], raw_name, checked_name)
    }

    fn image(&self, namespace: &str, id: &Digest) -> Result<Option<ImageRecord>, ReferenceStoreError> {
        let sql = "SELECT namespace, id, target, added FROM images WHERE namespace = ?1 AND id = ?2";
        self.select_one(sql, params![namespace, id.as_str()], raw_image, checked_image)
    }

    fn names(&self, namespace: Option<&str>) -> Result<Vec<NameRecord>, ReferenceStoreError> {
        let sql = "SELECT namespace, reference, id, target FROM image_names WHERE ?1 IS NULL OR namespace = ?1 \
                   ORDER BY reference";
        self.select(sql, params![namespace], raw_name, checked_name)
    }

    fn images(&self, namespace: Option<&str>) -> Result<Vec<ImageRecord>, ReferenceStoreError> {
        let sql = "SELECT namespace, id, target, added FROM images WHERE ?1 IS NULL OR namespace = ?1 \
                   ORDER BY added DESC, id";
        self.select(sql, params![namespace], raw_image, checked_image)
    }

    fn apply(&self, changes: &[Change]) -> Result<(), ReferenceStoreError> {
        self.write(Durability::Power, |writer| changes.iter().try_for_each(|change| writer.apply(change)))
            .map_err(|source: StateError| ReferenceStoreError { action: "change", source: source.into() })
    }
}

impl Writer<'_> {
    fn apply(&self, change: &Change) -> Result<(), StateError> {
        let outcome = match change {
            Change::PutImage(image) => self.connection.execute(
                "INSERT OR REPLACE INTO images (namespace, id, target, added) VALUES (?1, ?2, ?3, ?4)",
                params![image.namespace, image.id.as_str(), image.target.as_str(), image.added],
            ),
            Change::PutName(name) => self.connection.execute(
                "INSERT OR REPLACE INTO image_names (namespace, reference, id, target) VALUES (?1, ?2, ?3, ?4)",
                params![name.namespace, name.reference.as_str(), name.id.as_str(), name.target.as_str()],
            ),
            Change::RemoveImage { namespace, id } => self.connection.execute(
                "DELETE FROM images WHERE namespace = ?1 AND id = ?2",
                params![namespace, id.as_str()],
            ),
            Change::RemoveName { namespace, reference } => self.connection.execute(
                "DELETE FROM image_names WHERE namespace = ?1 AND reference = ?2",
                params![namespace, reference.as_str()],
            ),
        };
        outcome.map(drop).map_err(StateError::changing)
    }
}
