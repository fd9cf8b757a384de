//! Programs that travel inside this one and must be files to be used: the init of `--init`.

use crate::Engine;
use crate::documents::{self, FileError};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const INIT: &str = "docker-init";

impl Engine {
    /// The init program's path; written at first use of each build, complete or not at all.
    pub(crate) fn init_program(&self) -> Result<PathBuf, FileError> {
        let context = self.context();
        let directory = context.roots.data.join("libexec").join(&context.programs.build);
        let path = directory.join(INIT);
        match fs::metadata(&path) {
            Ok(found) if found.len() == embedded::INIT.len() as u64 => return Ok(path),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::of("look at", &path)(error));
            }
            _ => {}
        }
        documents::make_directory(&directory)?;
        let temporary = directory.join(format!("{INIT}.{}.tmp", ids::InstanceId::random()));
        let write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(embedded::INIT)?;
            file.set_permissions(fs::Permissions::from_mode(0o755))?;
            file.sync_all()?;
            drop(file);
            fs::rename(&temporary, &path)
        };
        let written = write().map_err(FileError::of("write", &path));
        if written.is_err() {
            // Best effort; `system check` sweeps `*.tmp`.
            let _ = fs::remove_file(&temporary);
        }
        written.map(|()| path)
    }
}
