//! Another name for a container.

use super::LookupError;
use super::lookup::Held;
use crate::Engine;
use crate::documents::{self, FileError};
use crate::events::about;
use ids::{ContainerId, ContainerName};
use monitor::client::{ClientError, Connection};
use monitor::facts::Durability;
use monitor::protocol::{Reply, Request};
use state::{Renamed, StateError};

/// Why a container keeps its name.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The name is taken. The words are Docker's.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{by}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameInUse {
        /// The name.
        name: ContainerName,
        /// Who has it.
        by: ContainerId,
    },
    /// It has that name already. The words are Docker's.
    #[error("Renaming a container with the same name as its current name")]
    SameName,
    /// Its monitor does not take the new document.
    #[error("the container's monitor refuses: {message}")]
    Refused {
        /// The monitor's line.
        message: String,
    },
    /// Its monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Engine {
    /// Gives a container another name; a running one's monitor is told.
    ///
    /// # Errors
    /// See [`RenameError`].
    pub fn rename(&self, container: &str, name: &ContainerName) -> Result<(), RenameError> {
        let held = self.hold(container)?;
        let old = &held.container.name;
        if old == name {
            return Err(RenameError::SameName);
        }
        self.record_name(&held, name)?;
        if let Err(error) = self.tell(&held, name) {
            // The old name was ours a moment ago; if somebody took it meanwhile, the new one stays.
            let _ = self.record_name(&held, old);
            return Err(error);
        }
        let event = about("rename", &held.container).with("name", name.to_string());
        self.event(&event.with("oldName", format!("/{old}")));
        Ok(())
    }

    fn record_name(&self, held: &Held, name: &ContainerName) -> Result<(), RenameError> {
        let (id, namespace) = (&held.container.id, &self.context().namespace);
        let outcome: Result<Renamed, StateError> = self
            .database()?
            .write(state::Durability::Power, |writer| writer.rename_container(namespace, id, name));
        match outcome? {
            Renamed::Done => Ok(()),
            Renamed::NameTaken(by) => Err(RenameError::NameInUse { name: name.clone(), by }),
            Renamed::Gone => Err(LookupError::NotFound { query: id.to_string() }.into()),
        }
    }

    fn tell(&self, held: &Held, name: &ContainerName) -> Result<(), RenameError> {
        let Some(before) = documents::read_desired(&held.directories)? else { return Ok(()) };
        let mut desired = before.clone();
        desired.name = name.to_string();
        desired.generation += 1;
        documents::write_desired(&held.directories, &desired, Durability::Power)?;
        let connection = match Connection::open(&held.directories) {
            Err(ClientError::NoMonitor) => return Ok(()),
            connection => connection?,
        };
        match connection.ask(&Request::Update { generation: desired.generation }) {
            Ok(Reply::Failed { message, .. }) => {
                documents::write_desired(&held.directories, &before, Durability::Power)?;
                Err(RenameError::Refused { message })
            }
            Ok(_) | Err(ClientError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
