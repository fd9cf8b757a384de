//! Which container a person means: by id, by name, or by an unambiguous beginning of the id.

use crate::Engine;
use ids::ContainerId;
use state::StateError;

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
    /// The index could not be read.
    #[error(transparent)]
    State(#[from] StateError),
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

impl Engine {
    /// Finds a container by id, name (with or without Docker's leading slash) or beginning of its id.
    ///
    /// # Errors
    /// [`LookupError::NotFound`] and [`LookupError::Ambiguous`].
    pub fn find(&self, query: &str) -> Result<ContainerId, LookupError> {
        todo!()
    }
}
