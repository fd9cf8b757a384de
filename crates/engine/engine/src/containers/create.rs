//! Creating a container.

use crate::Engine;
use crate::documents::FileError;
use crate::model::ContainerConfig;
use ids::{ContainerId, ContainerName};
use state::StateError;

/// When an image is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// When it is not there.
    #[default]
    Missing,
    /// Each time.
    Always,
    /// Never.
    Never,
}

/// How a container is created, besides what it shall be.
#[derive(Debug, Clone, Copy, Default)]
pub struct CreateOptions {
    /// When the image is pulled.
    pub pull: PullPolicy,
}

/// A new container.
#[derive(Debug, Clone)]
pub struct Created {
    /// Its id.
    pub id: ContainerId,
    /// Its name, made up if none was asked for.
    pub name: ContainerName,
    /// What a person should know, one line each.
    pub warnings: Vec<String>,
}

/// Why a container could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
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
    /// Creates a container; on return it survives a loss of power, unless it is `auto_remove`.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is left then.
    pub fn create(&self, config: ContainerConfig, options: CreateOptions) -> Result<Created, CreateError> {
        todo!()
    }
}
