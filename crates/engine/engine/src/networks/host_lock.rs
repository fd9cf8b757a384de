//! One lock for all instances of a host: who chooses a subnet or a port holds it until the choice is recorded.

use crate::documents::FileError;
use rustix::fs::FlockOperation;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the lock is; below the exec root for users who may not write there.
const PATH: &str = "/run/sampan-host.lock";

/// The held lock, freed when dropped.
#[derive(Debug)]
pub(crate) struct HostLock {
    _file: File,
}

impl HostLock {
    /// Waits for the lock.
    pub(crate) fn take(exec_root: &Path, euid: u32) -> Result<Self, FileError> {
        let path = if euid == 0 { PathBuf::from(PATH) } else { exec_root.join("host.lock") };
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(FileError::of("open", &path))?;
        loop {
            match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                Err(rustix::io::Errno::INTR) => {}
                done => {
                    done.map_err(FileError::of_errno("lock", &path))?;
                    return Ok(Self { _file: file });
                }
            }
        }
    }
}
