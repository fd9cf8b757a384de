//! Starting a container: a monitor is launched and answers.

use super::LookupError;
use crate::Engine;
use crate::documents::FileError;
use ids::{ContainerId, ContainerName};
use monitor::client::{ClientError, Connection};
use monitor::protocol::{FailureKind, Streams};
use state::StateError;

/// How a container is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct StartOptions {
    /// Streams that the connection carries; none leaves the container alone.
    pub streams: Streams,
    /// First size of the terminal, rows and columns.
    pub terminal_size: Option<(u16, u16)>,
    /// The caller stays until the container is released and then calls [`Engine::finish`].
    pub engine_waits: bool,
}

/// A started container.
#[derive(Debug)]
pub struct Running {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether [`Engine::finish`] will remove it.
    pub auto_remove: bool,
    /// The conversation with the monitor: a stream connection when streams were asked for, else closed by the
    /// monitor once nothing more is to come. Absent when the container already ran and no streams were asked for.
    pub connection: Option<Connection>,
    /// What a person should know, one line each.
    pub warnings: Vec<String>,
}

/// Why a container could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The monitor says why.
    #[error("{message}")]
    Failed {
        /// What kind of failure.
        kind: FailureKind,
        /// The monitor's line.
        message: String,
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

impl StartError {
    /// The exit code that `run` and `start -a` have for it: 127 for a command that is not there, 126 for one that
    /// cannot be executed, else 125 (docker-run(1), "Exit Status").
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Failed { kind: FailureKind::CommandNotFound, .. } => 127,
            Self::Failed { kind: FailureKind::CommandNotExecutable, .. } => 126,
            _ => 125,
        }
    }
}

impl Engine {
    /// Starts a container. One that runs already is attached to when streams are asked for, else left alone.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(&self, container: &str, options: StartOptions) -> Result<Running, StartError> {
        todo!()
    }
}
