//! The index of names, records and leases, in SQLite.
use std::path::Path;
/// The index.
#[derive(Debug)]
pub struct Database {}
/// Why the index failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the index")]
pub struct StateError {}
impl Database {
    /// Opens.
    ///
    /// # Errors
    /// None.
    pub fn open(_data_root: &Path) -> Result<Self, StateError> {
        Ok(Self {})
    }
}
