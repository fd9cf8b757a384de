//! A container's file system as one archive: `export`.

use super::file_system::{FileSystemError, Mounts};
use crate::Engine;
use archive::{TreeOptions, WriteError, write_tree};
use std::io::Write;

/// Why a container could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Its file system.
    #[error(transparent)]
    FileSystem(#[from] FileSystemError),
    /// The archive could not be written.
    #[error("cannot export container {container}")]
    Write {
        /// As typed.
        container: String,
        /// Why.
        #[source]
        source: WriteError,
    },
}

impl Engine {
    /// Writes the file system of a container as a tar archive: what the image has and the container changed, without
    /// what is mounted upon it.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub fn export(&self, container: &str, out: &mut dyn Write) -> Result<(), ExportError> {
        let files = self.open_file_system(container, Mounts::Hidden)?;
        write_tree(files.root(), out, &TreeOptions::default())
            .map_err(|source| ExportError::Write { container: container.to_owned(), source })?;
        self.event_about("export", &files.container);
        Ok(())
    }
}
