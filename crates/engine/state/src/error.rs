//! Why the index failed.

use std::io;
use std::path::PathBuf;

/// The index could not be opened, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file or its lock could not be opened.
    #[error("cannot open the index {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite refuses the file.
    #[error("cannot open the index {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer program has written it.
    #[error(
        "the index {path} is of version {found}, this program knows {known}: install the newer program again"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest we know.
        known: u32,
    },
    /// A statement failed.
    #[error("cannot {action} the index")]
    Query {
        /// What was tried, as a verb.
        action: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A value in it is not of the form that its column promises.
    #[error("the index holds an invalid {what}: {text:?}")]
    Invalid {
        /// What it should be.
        what: &'static str,
        /// What it is.
        text: String,
    },
}

impl StateError {
    pub(crate) fn reading(source: rusqlite::Error) -> Self {
        Self::Query { action: "read", source }
    }

    pub(crate) fn changing(source: rusqlite::Error) -> Self {
        Self::Query { action: "change", source }
    }
}
