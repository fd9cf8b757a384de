//! Transfers that outlive their process: one file per blob, found again by its digest.
//!
//! ```text
//! <root>/partial/<algorithm>-<hex>   the first bytes of a blob; who transfers it holds an OFD lock
//! ```
//!
//! The lock makes sure that a blob is transferred once, however many processes want it. A file that nobody holds is
//! what a broken or killed transfer left: the next one goes on behind it, after hashing it again. What is too short to
//! be worth that, and what nobody came back for within a day, is swept.

use crate::store::{make_dir, read_dir};
use crate::{BlobWriter, ContentError, ContentStore};
use ids::{Algorithm, Digest};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is shorter is not worth keeping.
pub(crate) const KEPT_MIN: u64 = 1 << 20;
/// How long what was left is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Who transfers a blob.
pub enum Claimed {
    /// We do, from [`BlobWriter::written`] on.
    Ours(Box<BlobWriter>),
    /// Nobody: it is in the store.
    Stored,
    /// Somebody else, now.
    Elsewhere,
}

impl ContentStore {
    pub(crate) fn partial_dir(&self) -> PathBuf {
        self.root().join("partial")
    }

    /// Begins the transfer of a blob, or goes on with one that was left.
    ///
    /// # Errors
    /// When the file system refuses, or the promised size is beyond `max`.
    pub fn claim_transfer(&self, digest: &Digest, size: u64, max: u64) -> Result<Claimed, ContentError> {
        if size > max {
            return Err(ContentError::TooLarge { limit: max });
        }
        let dir = self.partial_dir();
        let path = dir.join(format!("{}-{}", digest.algorithm().as_str(), digest.hex()));
        loop {
            if self.size(digest)? == Some(size) {
                return Ok(Claimed::Stored);
            }
            let open = || {
                File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path)
            };
            let file = match open() {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    make_dir(&dir)?;
                    open()
                }
                done => done,
            }
            .map_err(ContentError::io("create", &path))?;
            if !kernel::lock::try_exclusive(&file)
                .map_err(|errno| ContentError::io("lock", &path)(errno.into()))?
            {
                return Ok(Claimed::Elsewhere);
            }
            // Whoever had it may have published or deleted it before we had the lock.
            if is_at(&file, &path)? {
                let writer = BlobWriter::adopt(self, file, path, digest, size)?;
                return Ok(Claimed::Ours(Box::new(writer)));
            }
        }
    }

    /// Deletes what transfers left, however fresh, unless somebody goes on with it; how many bytes.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn sweep_partial(&self) -> Result<u64, ContentError> {
        let mut bytes = 0;
        for entry in read_dir(&self.partial_dir())? {
            let length = entry.metadata().map_or(0, |metadata| metadata.len());
            if crate::store::sweep_abandoned(&entry.path())? {
                bytes += length;
            }
        }
        Ok(bytes)
    }

    /// Deletes what the transfer of one blob left, unless somebody goes on with it.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn discard_partial(&self, digest: &Digest) -> Result<bool, ContentError> {
        let name = format!("{}-{}", digest.algorithm().as_str(), digest.hex());
        crate::store::sweep_abandoned(&self.partial_dir().join(name))
    }

    /// What transfers left and nobody will go on with.
    pub(crate) fn stale_partial(&self) -> Result<Vec<PathBuf>, ContentError> {
        let mut found = Vec::new();
        for entry in read_dir(&self.partial_dir())? {
            let Ok(metadata) = entry.metadata() else { continue };
            let age = metadata.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
            let is_ours = entry.file_name().to_str().is_some_and(|name| digest_of(name).is_some());
            if metadata.len() < KEPT_MIN || age > KEPT || !is_ours {
                found.push(entry.path());
            }
        }
        Ok(found)
    }
}

fn digest_of(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.split_once('-')?;
    let known = [Algorithm::Sha256, Algorithm::Sha512].iter().any(|one| one.as_str() == algorithm);
    known.then(|| Digest::parse(&format!("{algorithm}:{hex}")).ok()).flatten()
}

/// Whether the path still leads to the open file.
fn is_at(file: &File, path: &Path) -> Result<bool, ContentError> {
    let ours = file.metadata().map_err(ContentError::io("look at", path))?;
    match std::fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ContentError::io("look at", path)(error)),
    }
}
