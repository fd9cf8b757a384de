//! Create and start in one go, and what follows the end of a container that somebody waited for.

use super::{CreateError, CreateOptions, RemoveError, Running, StartError, StartOptions};
use crate::Engine;
use crate::model::ContainerConfig;
use ids::ContainerId;

/// Why a container could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// It could not be started; it stays, unless it is `auto_remove`.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl RunError {
    /// The exit code of `run` for it: 125, 126 or 127.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Create(_) => 125,
            Self::Start(error) => error.exit_code(),
        }
    }
}

impl Engine {
    /// Creates and starts a container. The caller pumps the frames of [`Running::connection`]; after
    /// [`monitor::protocol::Frame::Released`] it calls [`Self::finish`].
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn run(
        &self,
        config: ContainerConfig,
        create: CreateOptions,
        start: StartOptions,
    ) -> Result<Running, RunError> {
        todo!()
    }

    /// After the end of a container that was started with `engine_waits`: removes it, with its anonymous volumes, if
    /// it is `auto_remove`.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn finish(&self, running: &Running) -> Result<(), RemoveError> {
        todo!()
    }

    /// What a monitor has executed when no engine waited: removes an ended `auto_remove` container. One that is gone
    /// already is no error.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn reap(&self, id: &ContainerId) -> Result<(), RemoveError> {
        todo!()
    }
}
