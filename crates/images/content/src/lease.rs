//! Leases: what a running operation still needs although no name points at it yet.

use crate::ContentError;
use crate::store::{create_locked, read_dir};
use ids::Digest;
use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A lease of this process; it ends when dropped, or with the process.
#[derive(Debug)]
pub struct Lease {
    file: File,
    path: PathBuf,
}

/// What all live leases name together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Leased {
    /// Blobs.
    pub blobs: HashSet<Digest>,
    /// Unpacked layers, by their keys.
    pub layers: HashSet<String>,
}

impl Lease {
    pub(crate) fn create(dir: &Path) -> Result<Self, ContentError> {
        let (file, path) = create_locked(dir)?;
        Ok(Self { file, path })
    }

    /// Keeps a blob, whether it is there yet or not. Look for it only afterwards, under the shared guard.
    ///
    /// # Errors
    /// When the lease's file cannot be written.
    pub fn keep_blob(&self, digest: &Digest) -> Result<(), ContentError> {
        self.append("blob", digest.as_str())
    }

    /// Keeps an unpacked layer, whether it is there yet or not.
    ///
    /// # Errors
    /// When the lease's file cannot be written.
    pub fn keep_layer(&self, key: &str) -> Result<(), ContentError> {
        self.append("layer", key)
    }

    /// Gives up everything at once, and goes on as the sign that an operation is under way.
    ///
    /// # Errors
    /// When the lease's file cannot be written.
    pub fn clear(&self) -> Result<(), ContentError> {
        use std::io::Seek;
        let mut file = &self.file;
        file.set_len(0).and_then(|()| file.rewind()).map_err(ContentError::io("truncate", &self.path))
    }

    fn append(&self, kind: &str, name: &str) -> Result<(), ContentError> {
        // One write, so that a reader never sees half a line of a lease that counts.
        (&self.file)
            .write_all(format!("{kind} {name}\n").as_bytes())
            .map_err(ContentError::io("write", &self.path))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A leftover is swept by anybody later, since its lock ends with us.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Reads the leases whose holders live.
pub(crate) fn read_all(dir: &Path) -> Result<Leased, ContentError> {
    let mut leased = Leased::default();
    for entry in read_dir(dir)? {
        let path = entry.path();
        let file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(ContentError::io("open", &path)(error)),
        };
        if !kernel::lock::is_locked(&file)
            .map_err(|errno| ContentError::io("look at", &path)(errno.into()))?
        {
            continue;
        }
        let text = std::io::read_to_string(&file).map_err(ContentError::io("read", &path))?;
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("blob", digest)) => leased.blobs.extend(Digest::parse(digest)),
                Some(("layer", key)) => drop(leased.layers.insert(key.to_owned())),
                _ => {}
            }
        }
    }
    Ok(leased)
}
