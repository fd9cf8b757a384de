//! Files of a container: what is at a path, out as an archive, in from an archive.
//!
//! These are the three requests of Docker's API behind `cp`; what `cp` makes of source and destination is its own
//! affair. Contract: nothing outside the container's root is read or changed, whatever the container does meanwhile;
//! pipes and devices are never opened; an archive that fails leaves the entries before.

use super::container_path::ContainerPath;
use super::file_system::{FileSystem, FileSystemError, Mounts};
use super::layers;
use crate::Engine;
use crate::plan::{self, AccountFiles, PlanError};
use archive::{
    ApplyError, ApplyOptions, MapIds, Ownership, TarWriter, TreeOptions, WriteError, append_object,
    apply_layer,
};
use ids::ContainerId;
use rustix::fs::{FileType, StatVfsMountFlags};
use rustix::io::Errno;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What is at a path of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStat {
    /// The last component of the path; `.` for the root and for `dir/.`.
    pub name: PathBuf,
    /// Type and permissions, as stat(2) has them.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970 of the last change of its content.
    pub modified: i64,
    /// Where a link leads in the end, as a path in the container; absent for anything else.
    pub link_target: Option<PathBuf>,
}

impl PathStat {
    fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind() == FileType::Directory
    }

    /// Whether it is a character or block device.
    #[must_use]
    pub fn is_device(&self) -> bool {
        matches!(self.kind(), FileType::CharacterDevice | FileType::BlockDevice)
    }
}

/// How an archive is extracted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtractOptions {
    /// Everything belongs to the user whom the container runs as, if it names one, instead of the ids in the archive
    /// (Docker's `copyUIDGID`).
    pub owned_by_user: bool,
    /// A directory may take the place of something else, and the other way round.
    pub replace_kinds: bool,
}

/// Why files could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The container's file system.
    #[error(transparent)]
    FileSystem(#[from] FileSystemError),
    /// Nothing is there. The words are Docker's.
    #[error("Could not find the file {path} in container {container}")]
    NotFound {
        /// As typed.
        path: String,
        /// As typed.
        container: String,
    },
    /// It could not be looked at.
    #[error("cannot open {path} in container {container}")]
    Open {
        /// As typed.
        path: String,
        /// As typed.
        container: String,
        /// Why.
        #[source]
        source: Errno,
    },
    /// An archive is extracted into directories. The words are Docker's.
    #[error("extraction point is not a directory")]
    NotADirectory,
    /// The words are Docker's.
    #[error("container rootfs is marked read-only")]
    ReadOnlyRoot,
    /// The words are Docker's.
    #[error("mounted volume is marked read-only")]
    ReadOnlyVolume,
    /// Its user is not in its account files.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The archive could not be written.
    #[error("cannot copy {path} from container {container}")]
    Write {
        /// As typed.
        path: String,
        /// As typed.
        container: String,
        /// Why.
        #[source]
        source: WriteError,
    },
    /// The archive could not be extracted.
    #[error("cannot copy to {path} in container {container}")]
    Extract {
        /// As typed.
        path: String,
        /// As typed.
        container: String,
        /// Why.
        #[source]
        source: ApplyError,
    },
}

impl CopyError {
    /// Whether the one who reads the archive went away: the failure is then theirs to tell.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write { source: WriteError::Output { source }, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// The files of one container, open as long as the value lives. A stopped container is not started meanwhile.
#[derive(Debug)]
pub struct ContainerFiles<'a> {
    engine: &'a Engine,
    /// As typed, for messages.
    query: String,
    files: FileSystem,
}

impl Engine {
    /// Opens the files of a container, running or not.
    ///
    /// # Errors
    /// See [`FileSystemError`].
    pub fn container_files(&self, container: &str) -> Result<ContainerFiles<'_>, FileSystemError> {
        let files = self.open_file_system(container, Mounts::Shown)?;
        Ok(ContainerFiles { engine: self, query: container.to_owned(), files })
    }
}

impl ContainerFiles<'_> {
    /// The container.
    #[must_use]
    pub fn id(&self) -> &ContainerId {
        &self.files.container.id
    }

    /// What is at a path; a link itself, unless the path ends in a slash.
    ///
    /// # Errors
    /// [`CopyError::NotFound`] and [`CopyError::Open`].
    pub fn stat(&self, typed: &str) -> Result<PathStat, CopyError> {
        let path = ContainerPath::parse(typed);
        let object = self.open(&path, typed)?;
        self.stat_of(&path, typed, &object)
    }

    /// Writes what is at a path, with everything in it, as a tar archive; its entries begin with `name` instead of the
    /// last component of the path if one is given.
    ///
    /// # Errors
    /// [`CopyError::NotFound`], [`CopyError::Open`] and [`CopyError::Write`].
    pub fn archive(
        &self,
        typed: &str,
        name: Option<&[u8]>,
        out: &mut dyn Write,
    ) -> Result<PathStat, CopyError> {
        let path = ContainerPath::parse(typed);
        let object = self.open(&path, typed)?;
        let stat = self.stat_of(&path, typed, &object)?;
        let failed =
            |source| CopyError::Write { path: typed.to_owned(), container: self.query.clone(), source };
        let mut writer = TarWriter::new(out);
        let name = name.unwrap_or(path.name().as_bytes());
        append_object(&mut writer, object, name, &TreeOptions::default()).map_err(failed)?;
        writer.finish().map_err(failed)?;
        self.engine.event_about("archive-path", &self.files.container);
        Ok(stat)
    }

    /// Extracts an uncompressed tar archive into a directory, and reads it to its end.
    ///
    /// # Errors
    /// [`CopyError::NotADirectory`], [`CopyError::ReadOnlyRoot`] and [`CopyError::ReadOnlyVolume`] before anything is
    /// changed, [`CopyError::Extract`] when some of it may be.
    pub fn extract(
        &self,
        typed: &str,
        options: ExtractOptions,
        content: &mut dyn Read,
    ) -> Result<(), CopyError> {
        let path = ContainerPath::parse(typed);
        let directory = match path.open_directory(self.files.root()) {
            Err(Errno::NOTDIR) => return Err(CopyError::NotADirectory),
            done => done.map_err(|errno| self.failed(typed, errno))?,
        };
        self.require_writable(typed, &directory)?;
        let owner = self.owner(options)?;
        let map = |_: u32, _: u32| owner;
        let ownership =
            if owner.is_some() { Ownership::Mapped(&map as MapIds<'_>) } else { Ownership::Recorded };
        let apply = ApplyOptions { ownership, keep_kinds: !options.replace_kinds, ..ApplyOptions::default() };
        apply_layer(content, directory.as_fd(), &apply).map_err(|source| CopyError::Extract {
            path: typed.to_owned(),
            container: self.query.clone(),
            source,
        })?;
        self.engine.event_about("extract-to-dir", &self.files.container);
        Ok(())
    }

    fn open(&self, path: &ContainerPath, typed: &str) -> Result<OwnedFd, CopyError> {
        path.open(self.files.root()).map_err(|errno| self.failed(typed, errno))
    }

    fn failed(&self, typed: &str, errno: Errno) -> CopyError {
        let (path, container) = (typed.to_owned(), self.query.clone());
        match errno {
            Errno::NOENT => CopyError::NotFound { path, container },
            source => CopyError::Open { path, container, source },
        }
    }

    fn stat_of(&self, path: &ContainerPath, typed: &str, object: &OwnedFd) -> Result<PathStat, CopyError> {
        let stat = rustix::fs::fstat(object).map_err(|errno| self.failed(typed, errno))?;
        let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        let target = || path.target(self.files.root()).map_err(|errno| self.failed(typed, errno));
        Ok(PathStat {
            name: path.name().into(),
            mode: stat.st_mode,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: stat.st_mtime,
            link_target: is_link.then(target).transpose()?,
        })
    }

    fn require_writable(&self, typed: &str, directory: &OwnedFd) -> Result<(), CopyError> {
        let failed = |errno| self.failed(typed, errno);
        let found = rustix::fs::fstatvfs(directory).map_err(failed)?;
        if !found.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Ok(());
        }
        let device = |fd| rustix::fs::fstat(fd).map(|stat| stat.st_dev).map_err(failed);
        let is_root = device(directory.as_fd())? == device(self.files.root())?;
        Err(if is_root { CopyError::ReadOnlyRoot } else { CopyError::ReadOnlyVolume })
    }

    /// Whom everything is given to, if not whom the archive says.
    fn owner(&self, options: ExtractOptions) -> Result<Option<(u32, u32)>, CopyError> {
        let user = &self.files.container.record.effective.user;
        if !options.owned_by_user || user.is_empty() {
            return Ok(None);
        }
        let read = |name: &'static str| {
            let bytes = layers::read_in_root(self.files.root(), name, super::create::ACCOUNT_FILE_MAX)
                .map_err(|error| self.failed(name, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
            Ok::<_, CopyError>(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
        };
        let files = AccountFiles { passwd: read("/etc/passwd")?, group: read("/etc/group")? };
        let account = plan::lookup_user(user, &[], &files)?;
        Ok(Some((account.uid, account.gid)))
    }
}
