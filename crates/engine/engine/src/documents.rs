//! Reading and writing small files of the instance, with the path in every error.

use monitor::desired::Desired;
use monitor::facts::{self, Durability};
use monitor::layout::{ContainerDirectories, data};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A file or directory of the instance could not be worked with.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
pub struct FileError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// For `map_err`: an I/O error of `action` on `path`.
    pub(crate) fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }

    /// The same for an errno.
    pub(crate) fn of_errno(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(rustix::io::Errno) -> Self + use<> {
        let path = path.to_owned();
        move |errno| Self { action, path, source: errno.into() }
    }
}

/// Makes a directory for the owner alone, and its parents; whether it was not there.
pub(crate) fn make_directory(path: &Path) -> Result<bool, FileError> {
    let make = || fs::DirBuilder::new().mode(0o700).create(path);
    let outcome = match make() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().unwrap_or(path);
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o711)
                .create(parent)
                .map_err(FileError::of("create", parent))?;
            make()
        }
        done => done,
    };
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(FileError::of("create", path)(error)),
    }
}

/// Reads a container's desired document; `None` when it has none.
pub(crate) fn read_desired(directories: &ContainerDirectories) -> Result<Option<Desired>, FileError> {
    let path = directories.data.join(data::DESIRED);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| FileError {
            action: "understand",
            path,
            source: error.into(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::of("read", &path)(error)),
    }
}

/// Replaces a container's desired document.
pub(crate) fn write_desired(
    directories: &ContainerDirectories,
    desired: &Desired,
    durability: Durability,
) -> Result<(), FileError> {
    facts::write(&directories.data, data::DESIRED, desired, durability)
        .map_err(FileError::of("write", &directories.data.join(data::DESIRED)))
}

/// Removes a file; one that is not there is no error.
pub(crate) fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a tree of ours; one that is not there is no error.
pub(crate) fn remove_directory(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The same for what a container has below the exec root, where a killed monitor may have left a mount.
pub(crate) fn remove_exec(path: &Path) -> Result<(), FileError> {
    monitor::shm::release(path)
        .map_err(|errno| FileError::of("unmount the shared memory in", path)(errno.into()))?;
    remove_directory(path)
}
