//! Small requests to a running container: signal, pause, resize, processes.

use super::LookupError;
use super::launch::ConnectError;
use super::record::Container;
use crate::Engine;
use crate::events::about;
use crate::plan::signals;
use ids::{ContainerId, ExecId};
use monitor::client::{ClientError, Connection};
use monitor::protocol::{Reply, Request};
use monitor::status::State;
use std::fs;

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
    #[error("container {id} is already paused")]
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
    /// Its monitor could not be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A command line is read up to this many bytes.
const COMMAND_MAX: usize = 4096;

impl Engine {
    fn running(&self, query: &str) -> Result<(Container, Connection, State), ControlError> {
        let container = self.read_container(query)?;
        match self.connect(container.id.as_str())? {
            Some((connection, observed)) => Ok((container, connection, observed.state)),
            None => Err(ControlError::NotRunning { id: container.id }),
        }
    }

    /// Sends a signal, by name or number (`KILL`, `SIGKILL`, `9`), to the first process.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn kill(&self, container: &str, signal: &str) -> Result<(), ControlError> {
        let number =
            signals::parse(signal).ok_or_else(|| ControlError::InvalidSignal { text: signal.to_owned() })?;
        let (container, connection, state) = self.running(container)?;
        if state == State::Restarting {
            return Err(ControlError::NotRunning { id: container.id });
        }
        carry_out(&connection, &Request::Signal { signal: number })?;
        self.event(&about("kill", &container).with("signal", number.to_string()));
        Ok(())
    }

    /// Freezes a container.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn pause(&self, container: &str) -> Result<(), ControlError> {
        let (Container { id, .. }, connection, state) = self.running(container)?;
        match state {
            State::Paused => Err(ControlError::Paused { id }),
            _ => carry_out(&connection, &Request::Pause),
        }
    }

    /// Thaws a container.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn unpause(&self, container: &str) -> Result<(), ControlError> {
        let (Container { id, .. }, connection, state) = self.running(container)?;
        match state {
            State::Paused => carry_out(&connection, &Request::Unpause),
            _ => Err(ControlError::NotPaused { id }),
        }
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
        let connection = Connection::open(&self.directories(id))?;
        carry_out(&connection, &Request::Resize { exec: exec.cloned(), rows, columns })
    }

    /// The processes of a running container.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn processes(&self, container: &str) -> Result<Vec<ProcessInfo>, ControlError> {
        let (_, connection, _) = self.running(container)?;
        match connection.ask(&Request::Processes)? {
            Reply::Processes { pids } => Ok(pids.into_iter().filter_map(describe).collect()),
            Reply::Failed { message, .. } => Err(ControlError::Refused { message }),
            _ => Ok(Vec::new()),
        }
    }
}

fn carry_out(connection: &Connection, request: &Request) -> Result<(), ControlError> {
    match connection.ask(request)? {
        Reply::Failed { message, .. } => Err(ControlError::Refused { message }),
        _ => Ok(()),
    }
}

/// What a process is called; `None` when it is gone.
fn describe(pid: i32) -> Option<ProcessInfo> {
    let mut bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    bytes.truncate(COMMAND_MAX);
    let text = String::from_utf8_lossy(&bytes);
    let command = text.trim_end_matches('\0').replace('\0', " ");
    if !command.is_empty() {
        return Some(ProcessInfo { pid, command });
    }
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(ProcessInfo { pid, command: format!("[{}]", name.trim_end()) })
}
