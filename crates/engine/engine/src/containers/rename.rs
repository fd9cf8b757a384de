//! Another name for a container.

use super::LookupError;
use crate::Engine;
use crate::documents::FileError;
use ids::{ContainerId, ContainerName};
use state::StateError;

/// Why a container keeps its name.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The name is taken. The words are Docker's.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{by}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameInUse {
        /// The name.
        name: ContainerName,
        /// Who has it.
        by: ContainerId,
    },
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Engine {
    /// Gives a container another name.
    ///
    /// # Errors
    /// See [`RenameError`].
    pub fn rename(&self, container: &str, name: &ContainerName) -> Result<(), RenameError> {
        todo!()
    }
}
