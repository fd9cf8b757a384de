//! Writing one blob.

use crate::partial::KEPT_MIN;
use crate::store::{create_locked, make_dir, sync_dir};
use crate::tail::{Flow, Tail};
use crate::{ContentError, ContentStore, Digester};
use ids::{Algorithm, Digest};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// After how many bytes the kernel is asked to begin writing them out, so that the sync at the end is short.
const WRITE_OUT: u64 = 8 << 20;

/// A blob that is being written. Dropped before [`commit`](Self::commit), it is gone, except for a transfer that
/// another one may go on with.
pub struct BlobWriter {
    store: ContentStore,
    /// `None` once committed.
    file: Option<File>,
    path: PathBuf,
    expected: Option<(Digest, u64)>,
    max: u64,
    written: u64,
    digester: Digester,
    /// Told how far we are.
    flow: Option<Arc<Flow>>,
    /// What came is worth keeping when it ends here.
    resumable: bool,
    /// How many bytes were there when we came.
    adopted: u64,
    /// Up to where the kernel was asked to write out.
    written_out: u64,
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
            flow: None,
            resumable: false,
            adopted: 0,
            written_out: 0,
        })
    }

    /// Goes on with a transfer whose file is locked by us.
    pub(crate) fn adopt(
        store: &ContentStore,
        file: File,
        path: PathBuf,
        digest: &Digest,
        size: u64,
    ) -> Result<Self, ContentError> {
        let mut writer = Self {
            store: store.clone(),
            file: Some(file),
            path,
            expected: Some((digest.clone(), size)),
            max: size,
            written: 0,
            digester: Digester::new(digest.algorithm()),
            flow: None,
            resumable: true,
            adopted: 0,
            written_out: 0,
        };
        writer.hash_what_is_there(size)?;
        Ok(writer)
    }

    fn hash_what_is_there(&mut self, size: u64) -> Result<(), ContentError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let failed = ContentError::io("read", &self.path);
        let mut buffer = vec![0; 256 << 10];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    self.digester.update(&buffer[..count]);
                    self.written += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        self.adopted = self.written;
        if self.written > size { self.restart() } else { Ok(()) }
    }

    /// A reader that follows; `None` when digest and size were not promised.
    #[must_use]
    pub fn tail(&mut self) -> Option<Tail> {
        let (digest, size) = self.expected.clone()?;
        let flow = self.flow.get_or_insert_with(|| Arc::new(Flow::new(self.path.clone(), self.written)));
        Some(Tail::new(Arc::clone(flow), digest, size))
    }

    /// Whether all promised bytes came and have the promised digest; readers may count on it from then on.
    #[must_use]
    pub fn verify(&self) -> bool {
        let good = self
            .expected
            .as_ref()
            .is_some_and(|(digest, size)| *size == self.written && *digest == self.digest());
        if let (true, Some(flow)) = (good, &self.flow) {
            flow.set_verified();
        }
        good
    }

    /// How many of the bytes were left by an earlier transfer.
    #[must_use]
    pub fn adopted(&self) -> u64 {
        self.adopted
    }

    /// What came is not worth keeping: it is wrong, or nobody wants it any more.
    pub fn give_up(&mut self) {
        self.resumable = false;
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
        if let Some(file) = &mut self.file {
            file.set_len(0).and_then(|()| file.rewind()).map_err(ContentError::io("truncate", &self.path))?;
        }
        let algorithm = self.expected.as_ref().map_or(Algorithm::Sha256, |(digest, _)| digest.algorithm());
        self.digester = Digester::new(algorithm);
        (self.written, self.adopted, self.written_out) = (0, 0, 0);
        if let Some(flow) = &self.flow {
            flow.set_restarted();
        }
        Ok(())
    }

    /// Verifies, syncs and publishes the blob. When this returns, it survives a loss of power.
    ///
    /// # Errors
    /// [`ContentError::Length`] or [`ContentError::Digest`] when it is not what was promised; then nothing is left.
    pub fn commit(mut self) -> Result<Stored, ContentError> {
        let digest = std::mem::replace(&mut self.digester, Digester::new(Algorithm::Sha256)).finish();
        self.resumable = false;
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
        let rename = || match &self.flow {
            Some(flow) => flow.rename(target.clone(), || std::fs::rename(&self.path, &target)),
            None => std::fs::rename(&self.path, &target),
        };
        let renamed = match rename() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_dir(&dir)?;
                sync_dir(&self.store.root().join("blobs"))?;
                sync_dir(self.store.root())?;
                rename()
            }
            done => done,
        };
        renamed.map_err(ContentError::io("publish", &target))?;
        self.file = None;
        sync_dir(&dir)?;
        if let Some(flow) = &self.flow {
            flow.end(true);
        }
        Ok(Stored { digest, size: self.written })
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = self.expected.as_ref().map_or(self.max, |(_, size)| *size);
        if self.written + bytes.len() as u64 > limit {
            self.resumable = false;
            return Err(match &self.expected {
                Some(_) => {
                    ContentError::Length { expected: limit, actual: self.written + bytes.len() as u64 }
                }
                None => ContentError::TooLarge { limit },
            }
            .into());
        }
        let Some(file) = &mut self.file else { return Err(ErrorKind::BrokenPipe.into()) };
        let count = file.write(bytes).inspect_err(|error| {
            // A full disk needs the room more than the next try needs these bytes.
            self.resumable &= error.kind() == ErrorKind::Interrupted;
        })?;
        self.digester.update(&bytes[..count]);
        self.written += count as u64;
        if let Some(flow) = &self.flow {
            flow.set_written(self.written, limit);
        }
        if self.written >= self.written_out + WRITE_OUT {
            // Only a hint: what it cannot begin now, the sync at the end does.
            let _ = kernel::file::begin_write_out(file, self.written_out, self.written - self.written_out);
            self.written_out = self.written;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if let Some(flow) = &self.flow {
            flow.end(false);
        }
        if self.file.is_some() && !(self.resumable && self.written >= KEPT_MIN) {
            // What cannot be deleted now is swept later, since its lock ends with us.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
