//! Streams of a running container.

use super::LookupError;
use super::launch::ConnectError;
use crate::Engine;
use crate::documents::{self, FileError};
use ids::ContainerId;
use monitor::client::{ClientError, Connection};
use monitor::protocol::{Reply, Request, Streams};
use monitor::status::State;

/// An attached container.
#[derive(Debug)]
pub struct Attached {
    /// Its id.
    pub id: ContainerId,
    /// Whether it has a terminal.
    pub tty: bool,
    /// A stream connection.
    pub connection: Connection,
}

/// Why a container could not be attached to.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run. The words are Docker's.
    #[error("You cannot attach to a stopped container, start it first")]
    NotRunning,
    /// It is paused.
    #[error("You cannot attach to a paused container, unpause it first")]
    Paused,
    /// It is about to be restarted.
    #[error("You cannot attach to a restarting container, wait until it is running")]
    Restarting,
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
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Engine {
    /// Attaches to a running container. Streams that it has not got (input of one that was started without) are left
    /// out by the monitor.
    ///
    /// # Errors
    /// See [`AttachError`].
    pub fn attach(&self, container: &str, streams: Streams) -> Result<Attached, AttachError> {
        let id = self.find(container)?;
        let (connection, observed) = self.connect(id.as_str())?.ok_or(AttachError::NotRunning)?;
        match observed.state {
            State::Paused => return Err(AttachError::Paused),
            State::Restarting => return Err(AttachError::Restarting),
            _ => {}
        }
        let desired = documents::read_desired(&self.directories(&id))?;
        match connection.ask(&Request::Attach { streams })? {
            Reply::Failed { message, .. } => Err(AttachError::Refused { message }),
            _ => Ok(Attached { id, tty: desired.is_some_and(|desired| desired.stdio.terminal), connection }),
        }
    }
}
