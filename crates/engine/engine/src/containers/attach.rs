//! Streams of a running container.

use super::LookupError;
use crate::Engine;
use ids::ContainerId;
use monitor::client::{ClientError, Connection};
use monitor::protocol::Streams;

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
    /// Attaches to a running container.
    ///
    /// # Errors
    /// See [`AttachError`].
    pub fn attach(&self, container: &str, streams: Streams) -> Result<Attached, AttachError> {
        todo!()
    }
}
