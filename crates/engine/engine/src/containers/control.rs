//! Small requests to a running container: signal, pause, resize, processes.

use super::LookupError;
use crate::Engine;
use ids::{ContainerId, ExecId};
use monitor::client::ClientError;

/// A process of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Process id in the host's namespace.
    pub pid: i32,
    /// Its arguments, or its name in brackets.
    pub command: String,
}

/// Why a request to a container failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run. The words are Docker's.
    #[error("container {id} is not running")]
    NotRunning {
        /// Which.
        id: ContainerId,
    },
    /// It is paused.
    #[error("container {id} is paused")]
    Paused {
        /// Which.
        id: ContainerId,
    },
    /// It is not paused.
    #[error("container {id} is not paused")]
    NotPaused {
        /// Which.
        id: ContainerId,
    },
    /// No signal is called so.
    #[error("invalid signal: {text}")]
    InvalidSignal {
        /// What was typed.
        text: String,
    },
    /// The monitor refuses.
    #[error("{message}")]
    Refused {
        /// The monitor's line.
        message: String,
    },
    /// The monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Engine {
    /// Sends a signal, by name or number (`KILL`, `SIGKILL`, `9`), to the first process.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn kill(&self, container: &str, signal: &str) -> Result<(), ControlError> {
        todo!()
    }

    /// Freezes a container.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn pause(&self, container: &str) -> Result<(), ControlError> {
        todo!()
    }

    /// Thaws a container.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn unpause(&self, container: &str) -> Result<(), ControlError> {
        todo!()
    }

    /// Tells the terminal of a container, or of an exec in it, its new size.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn resize(
        &self,
        id: &ContainerId,
        exec: Option<&ExecId>,
        rows: u16,
        columns: u16,
    ) -> Result<(), ControlError> {
        todo!()
    }

    /// The processes of a running container.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn processes(&self, container: &str) -> Result<Vec<ProcessInfo>, ControlError> {
        todo!()
    }
}
