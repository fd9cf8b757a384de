//! Which container a person means: by id, by name, or by an unambiguous beginning of the id.

use super::operation::Operation;
use super::record::Container;
use crate::Engine;
use crate::documents::{self, FileError};
use crate::model::NetworkChoice;
use ids::{ContainerId, ContainerName};
use monitor::layout::{ContainerDirectories, data};
use state::{Reader, StateError};

/// Why no one container was meant.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// None has that id or name. The words are Docker's.
    #[error("No such container: {query}")]
    NotFound {
        /// What was typed.
        query: String,
    },
    /// More than one id begins so.
    #[error("multiple IDs found with provided prefix: {query}")]
    Ambiguous {
        /// What was typed.
        query: String,
    },
    /// It was never finished, or its removal was cut short.
    #[error("container {id} is not complete: remove it")]
    Incomplete {
        /// Which.
        id: ContainerId,
    },
    /// The index could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of it could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The record was written by a program that this one does not understand.
    #[error("the record of container {id} cannot be understood")]
    Record {
        /// Which.
        id: ContainerId,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
}

fn find(reader: &Reader<'_>, namespace: &str, query: &str) -> Result<ContainerId, LookupError> {
    let not_found = || LookupError::NotFound { query: query.chars().take(300).collect() };
    let name = query.strip_prefix('/').unwrap_or(query);
    if let Ok(id) = ContainerId::parse(name)
        && reader.container(namespace, &id)?.is_some()
    {
        return Ok(id);
    }
    if let Some(id) = reader.container_named(namespace, name)? {
        return Ok(id);
    }
    let is_prefix =
        (1..64).contains(&name.len()) && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_prefix {
        return Err(not_found());
    }
    let mut found = reader.containers_beginning(namespace, name)?;
    match (found.pop(), found.is_empty()) {
        (Some(id), true) => Ok(id),
        (Some(_), false) => Err(LookupError::Ambiguous { query: query.to_owned() }),
        (None, _) => Err(not_found()),
    }
}

/// A container in our hands: nobody else changes it.
#[derive(Debug)]
pub(crate) struct Held {
    /// The container.
    pub(crate) container: Container,
    /// Its directories.
    pub(crate) directories: ContainerDirectories,
    /// The lock.
    pub(crate) operation: Operation,
}

impl Held {
    /// Whether the user asked it to end, and nobody has started it since.
    pub(crate) fn stopped_by_user(&self) -> bool {
        self.directories.data.join(data::STOPPED_BY_USER).exists()
    }
}

/// What a boot wants to know of a container before it takes it in hand.
#[derive(Debug)]
pub(crate) struct Restorable {
    /// Its id.
    pub(crate) id: ContainerId,
    /// Its name.
    pub(crate) name: ContainerName,
    /// Nanoseconds since 1970.
    pub(crate) created: i64,
    /// Its network.
    pub(crate) network: NetworkChoice,
}

impl Engine {
    /// All containers of the namespace.
    pub(crate) fn all_containers(&self) -> Result<Vec<Container>, LookupError> {
        let rows = self.database()?.read(|reader| reader.containers(&self.context().namespace))?;
        rows.into_iter().map(Container::read).collect()
    }

    /// All containers that are complete.
    pub(crate) fn restorable(&self) -> Result<Vec<Restorable>, LookupError> {
        let complete =
            |container: &Container| self.directories(&container.id).data.join(data::DESIRED).exists();
        let restorable = |container: Container| Restorable {
            id: container.id,
            name: container.name,
            created: container.created,
            network: container.record.config.network,
        };
        Ok(self.all_containers()?.into_iter().filter(complete).map(restorable).collect())
    }

    /// Finds a container by id, name (with or without Docker's leading slash) or beginning of its id.
    ///
    /// # Errors
    /// [`LookupError::NotFound`] and [`LookupError::Ambiguous`].
    pub fn find(&self, query: &str) -> Result<ContainerId, LookupError> {
        self.database()?.read(|reader| find(&reader, &self.context().namespace, query))
    }

    /// The record of a container.
    pub(crate) fn read_container(&self, query: &str) -> Result<Container, LookupError> {
        let namespace = &self.context().namespace;
        let row = self.database()?.read(|reader| {
            let id = find(&reader, namespace, query)?;
            Ok::<_, LookupError>(reader.container(namespace, &id)?)
        })?;
        Container::read(row.ok_or_else(|| LookupError::NotFound { query: query.to_owned() })?)
    }

    /// The record again, by id.
    pub(crate) fn reread_container(&self, id: &ContainerId) -> Result<Option<Container>, LookupError> {
        let namespace = &self.context().namespace;
        let row = self.database()?.read(|reader| reader.container(namespace, id))?;
        row.map(Container::read).transpose()
    }

    /// Takes a container in hand: waits for its operation lock, and reads its record under it.
    pub(crate) fn hold(&self, query: &str) -> Result<Held, LookupError> {
        let id = self.find(query)?;
        let directories = self.directories(&id);
        let operation = Operation::begin(&directories)?;
        match self.reread_container(&id)? {
            Some(container) => Ok(Held { container, directories, operation }),
            None => {
                // It was removed while we waited; the directory that the lock needed is ours to take away again.
                documents::remove_directory(&directories.exec)?;
                Err(LookupError::NotFound { query: query.to_owned() })
            }
        }
    }
}
