//! A file operation that failed, with what it was for.

use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// A file operation below the target or the source that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path:?}")]
pub struct FsError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// On what, relative to the tree's root (empty for the root).
    pub path: PathBuf,
    /// What the kernel said.
    #[source]
    pub source: Errno,
}

/// For `map_err`: names the operation and its object.
pub(crate) fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(Errno) -> FsError + 'a {
    move |source| FsError { action, path: path.to_owned(), source }
}
