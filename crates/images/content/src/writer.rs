//! Writing one blob.

use crate::store::{create_locked, make_dir, sync_dir};
use crate::{ContentError, ContentStore, Digester};
use ids::{Algorithm, Digest};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

/// A blob that is being written. Dropped before [`commit`](Self::commit), it is gone.
pub struct BlobWriter {
    store: ContentStore,
    /// `None` once committed.
    file: Option<File>,
    path: PathBuf,
    expected: Option<(Digest, u64)>,
    max: u64,
    written: u64,
    digester: Digester,
}

/// A blob that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl BlobWriter {
    pub(crate) fn create(
        store: &ContentStore,
        expected: Option<(&Digest, u64)>,
        max: u64,
    ) -> Result<Self, ContentError> {
        if expected.is_some_and(|(_, size)| size > max) {
            return Err(ContentError::TooLarge { limit: max });
        }
        let (file, path) = create_locked(&store.ingest_dir())?;
        let algorithm = expected.map_or(Algorithm::Sha256, |(digest, _)| digest.algorithm());
        Ok(Self {
            store: store.clone(),
            file: Some(file),
            path,
            expected: expected.map(|(digest, size)| (digest.clone(), size)),
            max,
            written: 0,
            digester: Digester::new(algorithm),
        })
    }

    /// How many bytes came so far: where a broken transfer goes on.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The digest of what came so far: to lease it before it is published.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digester.clone().finish()
    }

    /// Throws away what came and starts over, for a transfer that cannot be resumed.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn restart(&mut self) -> Result<(), ContentError> {
        use std::io::Seek;
        if let Some(file) = &mut self.file {
            file.set_len(0).and_then(|()| file.rewind()).map_err(ContentError::io("truncate", &self.path))?;
        }
        let algorithm = self.expected.as_ref().map_or(Algorithm::Sha256, |(digest, _)| digest.algorithm());
        self.digester = Digester::new(algorithm);
        self.written = 0;
        Ok(())
    }

    /// Verifies, syncs and publishes the blob. When this returns, it survives a loss of power.
    ///
    /// # Errors
    /// [`ContentError::Length`] or [`ContentError::Digest`] when it is not what was promised; then nothing is left.
    pub fn commit(mut self) -> Result<Stored, ContentError> {
        let digest = std::mem::replace(&mut self.digester, Digester::new(Algorithm::Sha256)).finish();
        if let Some((expected, size)) = &self.expected {
            if *size != self.written {
                return Err(ContentError::Length { expected: *size, actual: self.written });
            }
            if *expected != digest {
                return Err(ContentError::Digest { expected: expected.clone(), actual: digest });
            }
        }
        let Some(file) = &self.file else { return Err(ContentError::Missing { digest }) };
        rustix::fs::fchmod(file, rustix::fs::Mode::from_raw_mode(0o400))
            .and_then(|()| rustix::fs::fsync(file))
            .map_err(|errno| ContentError::io("sync", &self.path)(errno.into()))?;
        // Over an existing blob too: the same bytes, and these are known to be good.
        let target = self.store.blob_path(&digest);
        let dir = self.store.blob_dir(digest.algorithm());
        let renamed = match std::fs::rename(&self.path, &target) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_dir(&dir)?;
                sync_dir(&self.store.root().join("blobs"))?;
                sync_dir(self.store.root())?;
                std::fs::rename(&self.path, &target)
            }
            done => done,
        };
        renamed.map_err(ContentError::io("publish", &target))?;
        self.file = None;
        sync_dir(&dir)?;
        Ok(Stored { digest, size: self.written })
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = self.expected.as_ref().map_or(self.max, |(_, size)| *size);
        if self.written + bytes.len() as u64 > limit {
            return Err(match &self.expected {
                Some(_) => {
                    ContentError::Length { expected: limit, actual: self.written + bytes.len() as u64 }
                }
                None => ContentError::TooLarge { limit },
            }
            .into());
        }
        let Some(file) = &mut self.file else { return Err(ErrorKind::BrokenPipe.into()) };
        let count = file.write(bytes)?;
        self.digester.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if self.file.is_some() {
            // What cannot be deleted now is swept later, since its lock ends with us.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
