//! The directory of blobs.

use crate::{BlobWriter, ContentError, Digester, Guard, Lease};
use ids::{Algorithm, Digest};
use rustix::fs::FlockOperation;
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Blobs by digest below one directory. Cheap to open (no system call) and to clone.
#[derive(Debug, Clone)]
pub struct ContentStore {
    root: PathBuf,
}

/// A blob that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Makes a directory and its parents, for the owner only.
pub(crate) fn make_dir(path: &Path) -> Result<(), ContentError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(ContentError::io("create", path))
}

/// Makes names in a directory survive a loss of power.
pub(crate) fn sync_dir(path: &Path) -> Result<(), ContentError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(ContentError::io("sync", path))
}

impl ContentStore {
    /// The store below `root`, which need not exist yet.
    #[must_use]
    pub fn open(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blob_dir(digest.algorithm()).join(digest.hex())
    }

    pub(crate) fn blob_dir(&self, algorithm: Algorithm) -> PathBuf {
        self.root.join("blobs").join(algorithm.as_str())
    }

    pub(crate) fn ingest_dir(&self) -> PathBuf {
        self.root.join("ingest")
    }

    /// Keeps sweeps away while the caller looks for content and claims it.
    ///
    /// # Errors
    /// When the lock file cannot be opened or locked.
    pub fn guard_shared(&self) -> Result<Guard, ContentError> {
        Guard::take(&self.root, FlockOperation::LockShared)
    }

    /// Keeps everybody away while a sweep marks and takes away.
    ///
    /// # Errors
    /// When the lock file cannot be opened or locked.
    pub fn guard_exclusive(&self) -> Result<Guard, ContentError> {
        Guard::take(&self.root, FlockOperation::LockExclusive)
    }

    /// A new lease: whatever is added to it is kept by sweeps until it is dropped (or its process is gone).
    ///
    /// # Errors
    /// When the lease's file cannot be made.
    pub fn lease(&self) -> Result<Lease, ContentError> {
        Lease::create(&self.root.join("leases"))
    }

    /// What live leases name.
    ///
    /// # Errors
    /// When the leases cannot be read.
    pub fn leased(&self) -> Result<crate::Leased, ContentError> {
        crate::lease::read_all(&self.root.join("leases"))
    }

    /// The size of a blob in bytes, or `None` when it is not there.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn size(&self, digest: &Digest) -> Result<Option<u64>, ContentError> {
        let path = self.blob_path(digest);
        match std::fs::symlink_metadata(&path) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ContentError::io("look at", &path)(error)),
        }
    }

    /// Whether a blob is there.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn has(&self, digest: &Digest) -> Result<bool, ContentError> {
        Ok(self.size(digest)?.is_some())
    }

    /// Opens a blob for reading. Its bytes were verified when they were stored.
    ///
    /// # Errors
    /// [`ContentError::Missing`] when it is not there.
    pub fn open_blob(&self, digest: &Digest) -> Result<File, ContentError> {
        let path = self.blob_path(digest);
        File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ContentError::Missing { digest: digest.clone() },
            _ => ContentError::io("open", &path)(error),
        })
    }

    /// Reads a small blob (a manifest, a configuration) whole, and verifies it again, since a disk may lie.
    ///
    /// # Errors
    /// [`ContentError::Missing`], [`ContentError::TooLarge`] beyond `max` bytes, [`ContentError::Digest`].
    pub fn read(&self, digest: &Digest, max: u64) -> Result<Vec<u8>, ContentError> {
        let file = self.open_blob(digest)?;
        let failed = || ContentError::io("read", &self.blob_path(digest));
        // One read for all of it, and one that finds the end.
        let length = file.metadata().map_err(failed())?.len().min(max);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        file.take(max + 1).read_to_end(&mut bytes).map_err(failed())?;
        if bytes.len() as u64 > max {
            return Err(ContentError::TooLarge { limit: max });
        }
        let actual = Digester::of_with(digest.algorithm(), &bytes);
        if &actual == digest {
            Ok(bytes)
        } else {
            Err(ContentError::Digest { expected: digest.clone(), actual })
        }
    }

    /// Starts a blob of at most `max` bytes; with `expected`, digest and size are verified at commit.
    ///
    /// # Errors
    /// When the file cannot be made, or the promised size is beyond `max`.
    pub fn writer(&self, expected: Option<(&Digest, u64)>, max: u64) -> Result<BlobWriter, ContentError> {
        BlobWriter::create(self, expected, max)
    }

    /// Stores bytes at hand, unless they are there already.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, ContentError> {
        let digest = Digester::of(bytes);
        let size = bytes.len() as u64;
        if self.size(&digest)? != Some(size) {
            let mut writer = self.writer(Some((&digest, size)), size)?;
            writer.write_all(bytes).map_err(ContentError::io("write", &self.blob_path(&digest)))?;
            writer.commit()?;
        }
        Ok(digest)
    }

    /// Deletes a blob; whether it was there. For sweeps, which hold [`guard_exclusive`](Self::guard_exclusive).
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn delete(&self, digest: &Digest) -> Result<bool, ContentError> {
        let path = self.blob_path(digest);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(ContentError::io("delete", &path)(error)),
        }
    }

    /// All blobs, in no order. Files that are no blobs are left out.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn list(&self) -> Result<Vec<BlobInfo>, ContentError> {
        let mut found = Vec::new();
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let dir = self.blob_dir(algorithm);
            for entry in read_dir(&dir)? {
                let name = entry.file_name();
                let digest = name
                    .to_str()
                    .and_then(|hex| Digest::parse(&format!("{}:{hex}", algorithm.as_str())).ok());
                if let (Some(digest), Ok(metadata)) = (digest, entry.metadata()) {
                    found.push(BlobInfo { digest, size: metadata.len() });
                }
            }
        }
        Ok(found)
    }

    /// How many bytes a blob takes on the disk, which is not its length; 0 when it is not there.
    #[must_use]
    pub fn usage_of(&self, digest: &Digest) -> u64 {
        std::fs::symlink_metadata(self.blob_path(digest)).map_or(0, |metadata| metadata.blocks() * 512)
    }

    /// How many bytes the blobs take, whole and partial, on the disk and not as lengths.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn usage(&self) -> Result<u64, ContentError> {
        let mut bytes = 0;
        let dirs = [self.blob_dir(Algorithm::Sha256), self.blob_dir(Algorithm::Sha512), self.partial_dir()];
        for dir in dirs {
            for entry in read_dir(&dir)? {
                bytes += entry.metadata().map_or(0, |metadata| metadata.blocks() * 512);
            }
        }
        Ok(bytes)
    }

    /// Unfinished blobs and leases whose writers are gone.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn leftovers(&self) -> Result<Vec<PathBuf>, ContentError> {
        let mut found = Vec::new();
        for path in self.unfinished()? {
            if lock_abandoned(&path)?.is_some() {
                found.push(path);
            }
        }
        Ok(found)
    }

    fn unfinished(&self) -> Result<Vec<PathBuf>, ContentError> {
        let mut found = self.stale_partial()?;
        for dir in [self.ingest_dir(), self.root.join("leases")] {
            found.extend(read_dir(&dir)?.iter().map(std::fs::DirEntry::path));
        }
        Ok(found)
    }

    /// Deletes unfinished blobs and leases whose writers are gone; how many.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn sweep_leftovers(&self) -> Result<usize, ContentError> {
        let mut swept = 0;
        for path in self.unfinished()? {
            swept += usize::from(sweep_abandoned(&path)?);
        }
        Ok(swept)
    }
}

/// Entries of a directory; none when it does not exist.
pub(crate) fn read_dir(dir: &Path) -> Result<Vec<std::fs::DirEntry>, ContentError> {
    match std::fs::read_dir(dir) {
        Ok(entries) => entries.collect::<io::Result<_>>().map_err(ContentError::io("read", dir)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(ContentError::io("read", dir)(error)),
    }
}

/// Deletes a file that nobody holds; whether it did.
pub(crate) fn sweep_abandoned(path: &Path) -> Result<bool, ContentError> {
    // The lock is held while the name goes, so that a writer who just made the file sees it happen.
    let Some(_held) = lock_abandoned(path)? else { return Ok(false) };
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        // Its writer finished between our look and our lock.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ContentError::io("delete", path)(error)),
    }
}

/// Takes the lock of a file that nobody holds; `None` when somebody does or the file is gone.
fn lock_abandoned(path: &Path) -> Result<Option<File>, ContentError> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ContentError::io("open", path)(error)),
    };
    let free =
        kernel::lock::try_exclusive(&file).map_err(|errno| ContentError::io("lock", path)(errno.into()))?;
    Ok(free.then_some(file))
}

/// Makes a file of a new random name that is ours by lock; a sweep that comes between is outlived by trying again.
pub(crate) fn create_locked(dir: &Path) -> Result<(File, PathBuf), ContentError> {
    use std::os::unix::fs::OpenOptionsExt;
    loop {
        let path = dir.join(ids::ExecId::random().as_str());
        let open = || File::options().create_new(true).read(true).write(true).mode(0o600).open(&path);
        let file = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_dir(dir)?;
                open()
            }
            done => done,
        }
        .map_err(ContentError::io("create", &path))?;
        let locked = kernel::lock::try_exclusive(&file)
            .map_err(|errno| ContentError::io("lock", &path)(errno.into()))?;
        let links = file.metadata().map_err(ContentError::io("look at", &path))?.nlink();
        if locked && links > 0 {
            return Ok((file, path));
        }
        // Somebody looked at it before we had the lock. It may be gone already.
        let _ = std::fs::remove_file(&path);
    }
}
