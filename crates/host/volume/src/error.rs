//! Why a volume could not be worked with.

use std::io;
use std::path::{Path, PathBuf};

/// The file system refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the volume's {path}")]
pub struct VolumeError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub source: io::Error,
}

impl VolumeError {
    pub(crate) fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}
