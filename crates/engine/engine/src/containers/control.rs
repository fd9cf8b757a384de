//! Small requests to a running container: signal, pause, resize, processes.

use super::LookupError;
use super::launch::ConnectError;
use super::processes::{ProcessInfo, describe};
use super::record::Container;
use super::stop::{StopError, write_intent};
use crate::Engine;
use crate::documents::{self, FileError};
use crate::events::about;
use crate::plan::signals;
use ids::{ContainerId, ExecId};
use monitor::client::{ClientError, Connection};
use monitor::layout::ContainerDirectories;
use monitor::protocol::{Reply, Request};
use monitor::status::State;

/// Why a request to a container failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run. The words are Docker's.
    #[error("container {container} is not running")]
    NotRunning {
        /// As typed.
        container: String,
    },
    /// It is paused.
    #[error("container {container} is already paused")]
    Paused {
        /// As typed.
        container: String,
    },
    /// It is not paused.
    #[error("container {container} is not paused")]
    NotPaused {
        /// As typed.
        container: String,
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
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its monitor could not be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It could not be ended.
    #[error(transparent)]
    Stop(Box<StopError>),
}

impl Engine {
    fn running(&self, query: &str) -> Result<(Container, Connection, State), ControlError> {
        let container = self.read_container(query)?;
        match self.connect(container.id.as_str())? {
            Some((connection, observed)) => Ok((container, connection, observed.state)),
            None => Err(ControlError::NotRunning { container: query.to_owned() }),
        }
    }

    /// Sends a signal, by name or number (`KILL`, `SIGKILL`, `9`), to the first process. After `KILL` it has ended when
    /// this returns (moby, `daemon/kill.go`).
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn kill(&self, container: &str, signal: &str) -> Result<(), ControlError> {
        let number =
            signals::parse(signal).ok_or_else(|| ControlError::InvalidSignal { text: signal.to_owned() })?;
        if number == signals::KILL {
            return self.kill_and_wait(container);
        }
        let (found, connection, state) = self.running(container)?;
        if state == State::Restarting {
            return Err(ControlError::NotRunning { container: container.to_owned() });
        }
        let directories = self.directories(&found.id);
        if self.ends(number, &directories)? {
            write_intent(&directories)?;
        }
        carry_out(&connection, &Request::Signal { signal: number })?;
        self.event(&about("kill", &found).with("signal", number.to_string()));
        Ok(())
    }

    fn kill_and_wait(&self, container: &str) -> Result<(), ControlError> {
        let request = Request::Stop { signal: signals::KILL, timeout_seconds: 0 };
        match self.end_by_user(self.hold(container)?, &request) {
            Ok(true) => Ok(()),
            Ok(false) => Err(ControlError::NotRunning { container: container.to_owned() }),
            Err(error) => Err(ControlError::Stop(Box::new(error))),
        }
    }

    /// Whether a signal says that the container is to end, so that its restart policy rests until it is started again.
    /// Docker takes every signal so unless the container has a stop signal of its own; here a reload (SIGHUP, SIGUSR1)
    /// does not switch the policy off.
    fn ends(&self, signal: i32, directories: &ContainerDirectories) -> Result<bool, FileError> {
        let own = documents::read_desired(directories)?.map(|desired| desired.stop.signal);
        Ok(own == Some(signal) || signals::ENDING.contains(&signal))
    }

    /// Freezes a container.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn pause(&self, container: &str) -> Result<(), ControlError> {
        let (_, connection, state) = self.running(container)?;
        match state {
            State::Paused => Err(ControlError::Paused { container: container.to_owned() }),
            _ => carry_out(&connection, &Request::Pause),
        }
    }

    /// Thaws a container.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn unpause(&self, container: &str) -> Result<(), ControlError> {
        let (_, connection, state) = self.running(container)?;
        match state {
            State::Paused => carry_out(&connection, &Request::Unpause),
            _ => Err(ControlError::NotPaused { container: container.to_owned() }),
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
