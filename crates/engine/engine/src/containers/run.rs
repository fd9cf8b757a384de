//! Create and start in one go, and what follows the end of a container that somebody waited for.

use super::create::Fresh;
use super::remove::RemoveOptions;
use super::start::Startable;
use super::{CreateError, CreateOptions, LookupError, RemoveError, Running, StartError, StartOptions};
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
    #[error("cannot start container {}", id.short())]
    Start {
        /// The container.
        id: ContainerId,
        /// Why.
        source: StartError,
    },
}

impl RunError {
    /// The exit code of `run` for it: 125, 126 or 127.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Create(_) => 125,
            Self::Start { source, .. } => source.exit_code(),
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
        create: CreateOptions<'_>,
        start: StartOptions,
    ) -> Result<Running, RunError> {
        let Fresh { created, desired, record, directories, operation } =
            self.create_fresh(config, create, true)?;
        let startable = Startable {
            id: &created.id,
            name: &created.name,
            record: &record,
            directories: &directories,
            desired: Some(desired),
        };
        let started = self.start_held(startable, &start);
        drop(operation);
        match started {
            Ok(mut running) => {
                running.warnings.splice(0..0, created.warnings);
                Ok(running)
            }
            Err(source) => {
                if record.config.auto_remove {
                    // The start's failure is what the user must see; a leftover is found by `system check`.
                    let _ = self.remove(created.id.as_str(), RemoveOptions { force: true, volumes: true });
                }
                Err(RunError::Start { id: created.id, source })
            }
        }
    }

    /// After the end of a container that was started with `engine_waits`: removes it, with its anonymous volumes, if
    /// it is `auto_remove`.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn finish(&self, running: &Running) -> Result<(), RemoveError> {
        if running.auto_remove { self.reap(&running.id) } else { Ok(()) }
    }

    /// What a monitor has executed when no engine waited: removes an ended `auto_remove` container. One that is gone
    /// already is no error.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn reap(&self, id: &ContainerId) -> Result<(), RemoveError> {
        match self.remove_ended(id) {
            Err(RemoveError::Lookup(LookupError::NotFound { .. })) => Ok(()),
            done => done,
        }
    }
}
