//! What can be wrong with a context, in Docker's words.

use crate::failure::Failure;
use std::io;
use std::path::PathBuf;

/// A context cannot be used, made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContextError {
    /// There is none of that name.
    #[error("context \"{name}\": context not found: open {}: no such file or directory", path.display())]
    NotFound {
        /// The name.
        name: String,
        /// Where it would be.
        path: PathBuf,
    },
    /// There is one already.
    #[error("context \"{name}\" already exists")]
    Exists {
        /// The name.
        name: String,
    },
    /// The name of the one that is always there.
    #[error("\"default\" is a reserved context name")]
    Reserved,
    /// Not a name.
    #[error(
        "context name \"{name}\" is invalid, names are validated against regexp \"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\""
    )]
    Name {
        /// As typed.
        name: String,
    },
    /// A file of the store cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file of the store is no JSON of its kind.
    #[error("cannot understand {}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// `--docker` describes no endpoint.
    #[error("unable to create docker endpoint config: {0}")]
    Endpoint(String),
    /// What is imported is no context.
    #[error("invalid context: {0}")]
    Archive(String),
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        Self::of(&error)
    }
}
