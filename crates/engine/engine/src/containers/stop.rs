//! Stopping and restarting.

use super::{LookupError, StartError, StartOptions};
use crate::Engine;
use crate::documents::FileError;
use ids::ContainerId;
use monitor::client::ClientError;

/// How a container is stopped; what is absent is the container's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopOptions {
    /// Signal by name or number.
    pub signal: Option<String>,
    /// Seconds until SIGKILL; -1 waits for ever.
    pub timeout_seconds: Option<i64>,
}

/// Why a container could not be stopped or restarted.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No signal is called so.
    #[error("invalid signal: {text}")]
    InvalidSignal {
        /// What was typed.
        text: String,
    },
    /// The monitor refuses.
    #[error("cannot stop container {id}: {message}")]
    Refused {
        /// Which.
        id: ContainerId,
        /// The monitor's line.
        message: String,
    },
    /// The monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
    /// It stopped but did not start again.
    #[error(transparent)]
    Start(Box<StartError>),
}

impl Engine {
    /// Stops a container and returns when it has ended; one that does not run is no error. That the user wanted it is
    /// durable before the signal is sent.
    ///
    /// # Errors
    /// See [`StopError`].
    pub fn stop(&self, container: &str, options: &StopOptions) -> Result<(), StopError> {
        todo!()
    }

    /// Stops a container if it runs, and starts it.
    ///
    /// # Errors
    /// See [`StopError`].
    pub fn restart(&self, container: &str, options: &StopOptions) -> Result<(), StopError> {
        todo!()
    }
}
