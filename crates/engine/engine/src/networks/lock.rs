//! The lock of a network: shared by whoever puts a container on it, exclusive for whoever removes it.

use crate::documents::{self, FileError};
use ids::NetworkId;
use rustix::fs::FlockOperation;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A held lock, freed when dropped or when the process dies.
#[derive(Debug)]
pub(crate) struct NetworkLock {
    _file: File,
}

/// Where networks have their directories and locks.
pub(crate) fn directory(exec_root: &Path) -> PathBuf {
    exec_root.join("networks")
}

pub(crate) fn path(exec_root: &Path, network: &NetworkId) -> PathBuf {
    directory(exec_root).join(format!("{network}.lock"))
}

impl NetworkLock {
    /// Nobody removes the network meanwhile; whether it still exists is to be asked afterwards.
    pub(crate) fn shared(exec_root: &Path, network: &NetworkId) -> Result<Self, FileError> {
        Self::take(exec_root, network, FlockOperation::LockShared)
    }

    /// Nobody is put on the network meanwhile.
    pub(crate) fn exclusive(exec_root: &Path, network: &NetworkId) -> Result<Self, FileError> {
        Self::take(exec_root, network, FlockOperation::LockExclusive)
    }

    fn take(exec_root: &Path, network: &NetworkId, operation: FlockOperation) -> Result<Self, FileError> {
        let path = path(exec_root, network);
        let open =
            || File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path);
        let file = match open() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                documents::make_directory(&directory(exec_root))?;
                open()
            }
            done => done,
        };
        let file = file.map_err(FileError::of("open", &path))?;
        loop {
            match rustix::fs::flock(&file, operation) {
                Err(rustix::io::Errno::INTR) => {}
                done => {
                    done.map_err(FileError::of_errno("lock", &path))?;
                    return Ok(Self { _file: file });
                }
            }
        }
    }
}
