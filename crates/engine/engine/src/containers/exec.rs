//! Another process in a running container.

use super::LookupError;
use crate::Engine;
use ids::{ContainerId, ExecId};
use monitor::client::{ClientError, Connection};
use monitor::protocol::{FailureKind, Streams};

/// What is executed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecConfig {
    /// Program and arguments.
    pub command: Vec<String>,
    /// `NAME=value`, added to the container's.
    pub env: Vec<String>,
    /// `user[:group]`; the container's when absent.
    pub user: Option<String>,
    /// Absolute directory inside; the container's when absent.
    pub working_dir: Option<String>,
    /// A terminal.
    pub tty: bool,
    /// All capabilities, no filter of system calls.
    pub privileged: bool,
    /// Streams that the connection carries; none leaves the process alone.
    pub streams: Streams,
    /// First size of the terminal, rows and columns.
    pub terminal_size: Option<(u16, u16)>,
}

/// An executing process.
#[derive(Debug)]
pub struct RunningExec {
    /// The container.
    pub container: ContainerId,
    /// The process' own id, for [`Engine::resize`].
    pub id: ExecId,
    /// The conversation with the monitor: a stream connection when streams were asked for.
    pub connection: Connection,
}

/// Why nothing was executed.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
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
    #[error("container {id} is paused, unpause the container before exec")]
    Paused {
        /// Which.
        id: ContainerId,
    },
    /// Nothing to execute.
    #[error("no exec command specified")]
    NoCommand,
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
}

impl ExecError {
    /// The exit code of `exec` for it: 127 for a command that is not there, 126 for one that cannot be executed, else
    /// 1 as Docker has it.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Failed { kind: FailureKind::CommandNotFound, .. } => 127,
            Self::Failed { kind: FailureKind::CommandNotExecutable, .. } => 126,
            _ => 1,
        }
    }
}

impl Engine {
    /// Executes a process in a running container.
    ///
    /// # Errors
    /// See [`ExecError`].
    pub fn exec(&self, container: &str, config: &ExecConfig) -> Result<RunningExec, ExecError> {
        todo!()
    }
}
