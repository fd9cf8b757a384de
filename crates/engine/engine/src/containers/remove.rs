//! Removing a container.

use super::LookupError;
use crate::Engine;
use crate::documents::FileError;
use ids::ContainerId;
use monitor::client::ClientError;
use state::StateError;

/// How a container is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoveOptions {
    /// Kill it if it runs.
    pub force: bool,
    /// Remove its anonymous volumes too.
    pub volumes: bool,
}

/// Why a container could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It runs. The words are Docker's.
    #[error(
        "cannot remove container \"/{name}\": container is running: stop the container before removing or force remove"
    )]
    Running {
        /// Its name.
        name: String,
    },
    /// It is paused.
    #[error("cannot remove container \"/{name}\": container is paused and must be unpaused first")]
    Paused {
        /// Its name.
        name: String,
    },
    /// It was killed, and yet its monitor does not let go.
    #[error("container {id} did not end within {seconds} s after it was killed")]
    Stuck {
        /// Which.
        id: ContainerId,
        /// How long was waited.
        seconds: u64,
    },
    /// The monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Engine {
    /// Removes a container and everything that belongs to it.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn remove(&self, container: &str, options: RemoveOptions) -> Result<(), RemoveError> {
        todo!()
    }
}
