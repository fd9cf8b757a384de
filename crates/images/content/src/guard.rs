//! Who may rely on what exists, and who may take it away.
//!
//! Everybody who looks for a blob or a layer and then counts on it (by a lease, a name or a container) holds the
//! guard shared from the look to the claim; a sweep holds it exclusively from marking to renaming away. Both are
//! moments, so that nobody waits for a download.

use crate::ContentError;
use rustix::fs::FlockOperation;
use std::fs::File;
use std::path::Path;

/// A held guard, freed when dropped.
#[derive(Debug)]
pub struct Guard {
    _file: File,
}

impl Guard {
    pub(crate) fn take(root: &Path, operation: FlockOperation) -> Result<Self, ContentError> {
        let path = root.join("lock");
        let open = || File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let file = match open() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                crate::store::make_dir(root)?;
                open()
            }
            done => done,
        }
        .map_err(ContentError::io("open", &path))?;
        loop {
            match rustix::fs::flock(&file, operation) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(()) => return Ok(Self { _file: file }),
                Err(errno) => return Err(ContentError::io("lock", &path)(errno.into())),
            }
        }
    }
}
