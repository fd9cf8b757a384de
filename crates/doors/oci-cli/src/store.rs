//! Containers on disk: one directory for each below the root directory.
//!
//! `config.json` is the copy of the bundle's that the container was created from, `state.json` the record of its
//! process, written once; `start` is the socket at which a created container waits. A directory without a record is
//! what a killed `create` left; `delete --force` removes it.

use crate::error::CliError;
use crate::id::BundleId;
use crate::process;
use cgroup::{Group, GroupPath};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use spec::runtime::Spec;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The name of the socket at which a created container waits.
pub(crate) const GATE: &str = "start";
const RECORD: &str = "state.json";
const CONFIG: &str = "config.json";
/// No document of ours or of a bundle is larger.
const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where containers are when nobody says.
pub(crate) const ROOT_DEFAULT: &str = "/run/sampan/oci";

/// The root directory.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
}

/// A container's directory, open.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: BundleId,
    path: PathBuf,
    directory: OwnedFd,
}

/// What is noted about a container's process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// The first process as the host numbers it.
    pub(crate) pid: i32,
    /// When it started, in clock ticks since boot.
    pub(crate) start_time: u64,
    /// The bundle's directory, absolute.
    pub(crate) bundle: PathBuf,
    /// When it was created, RFC 3339.
    pub(crate) created: String,
    /// Its control group, if it has one of its own.
    pub(crate) cgroup: Option<GroupPath>,
    /// The mount of its root file system in our own mount namespace, if it has no mount namespace of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) root_mount: Option<RootMount>,
}

/// A mount that stays when the container's process ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RootMount {
    /// Where.
    pub(crate) path: PathBuf,
    /// Which (statx(2), `stx_mnt_id`).
    pub(crate) id: u64,
}

impl RootMount {
    /// What is mounted at the root's place, once the container is there.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let id = mount_id(path)?;
        Some(RootMount { path: path.to_owned(), id })
    }

    /// Takes it away with everything in it, unless something else is there by now.
    pub(crate) fn remove(&self) -> Result<(), CliError> {
        if mount_id(&self.path) != Some(self.id) {
            return Ok(());
        }
        rustix::mount::unmount(&self.path, rustix::mount::UnmountFlags::DETACH)
            .map_err(CliError::path("unmount", &self.path))
    }
}

fn mount_id(path: &Path) -> Option<u64> {
    // `STATX_MNT_ID` of linux/stat.h, since 5.8.
    let wanted = rustix::fs::StatxFlags::MNT_ID;
    let found = rustix::fs::statx(CWD, path, AtFlags::empty(), wanted).ok()?;
    (found.stx_mask & wanted.bits() != 0).then_some(found.stx_mnt_id)
}

/// What a container is doing (runtime.md, "State", and `paused`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Creating,
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Status::Creating => "creating",
            Status::Created => "created",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Stopped => "stopped",
        }
    }
}

impl Store {
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Store { path: path.unwrap_or_else(|| ROOT_DEFAULT.into()) }
    }

    /// Takes an id: makes its directory.
    ///
    /// # Errors
    /// [`CliError::Exists`] when somebody has it.
    pub(crate) fn create(&self, id: &BundleId) -> Result<Container, CliError> {
        let path = self.path.join(id.as_str());
        let mut made = rustix::fs::mkdirat(CWD, &path, Mode::RWXU);
        if made == Err(Errno::NOENT) {
            std::fs::create_dir_all(&self.path).map_err(CliError::std_path("make", &self.path))?;
            made = rustix::fs::mkdirat(CWD, &path, Mode::RWXU);
        }
        match made {
            Ok(()) => self.open(id),
            Err(Errno::EXIST) => Err(CliError::Exists { id: id.as_str().to_owned() }),
            Err(errno) => Err(CliError::path("make", &path)(errno)),
        }
    }

    /// Opens the directory of a container.
    ///
    /// # Errors
    /// [`CliError::NotFound`].
    pub(crate) fn open(&self, id: &BundleId) -> Result<Container, CliError> {
        let path = self.path.join(id.as_str());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, &path, flags, Mode::empty()) {
            Ok(directory) => Ok(Container { id: id.clone(), path, directory }),
            Err(Errno::NOENT) => Err(CliError::NotFound { id: id.as_str().to_owned() }),
            Err(errno) => Err(CliError::path("open", &path)(errno)),
        }
    }

    /// Every container, by id.
    ///
    /// # Errors
    /// [`CliError::Path`]; a root directory that does not exist has none.
    pub(crate) fn list(&self) -> Result<Vec<Container>, CliError> {
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(CliError::std_path("read", &self.path)(error)),
        };
        let mut ids: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        ids.sort_unstable();
        let open = |id: &String| self.open(&BundleId::parse(id).ok()?).ok();
        Ok(ids.iter().filter_map(open).collect())
    }
}

impl Container {
    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Keeps the bundle's document, byte by byte.
    pub(crate) fn keep_config(&self, bytes: &[u8]) -> Result<(), CliError> {
        self.write(CONFIG, bytes)
    }

    /// The document that it was created from.
    pub(crate) fn config(&self) -> Result<Spec, CliError> {
        let path = self.path.join(CONFIG);
        parse(&path, &read(&path)?)
    }

    /// Writes the record, whole or not at all.
    pub(crate) fn write_record(&self, record: &Record) -> Result<(), CliError> {
        const UNFINISHED: &str = ".state.json";
        let path = self.path.join(RECORD);
        let bytes =
            serde_json::to_vec(record).map_err(|source| CliError::Document { path: path.clone(), source })?;
        self.write(UNFINISHED, &bytes)?;
        rustix::fs::renameat(&self.directory, UNFINISHED, &self.directory, RECORD)
            .map_err(CliError::path("write", &path))
    }

    /// The record; `None` while the container is being created.
    pub(crate) fn record(&self) -> Result<Option<Record>, CliError> {
        let path = self.path.join(RECORD);
        match read(&path) {
            Ok(bytes) => parse(&path, &bytes).map(Some),
            Err(CliError::Path { source: runtime::Cause(Errno::NOENT), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The record of a container that was created.
    ///
    /// # Errors
    /// [`CliError::WrongState`] while it is being created.
    pub(crate) fn created_record(&self) -> Result<Record, CliError> {
        self.record()?
            .ok_or_else(|| self.wrong(Status::Creating, "wait until it is created, or delete it by force"))
    }

    pub(crate) fn wrong(&self, status: Status, needed: &'static str) -> CliError {
        CliError::WrongState { id: self.id.as_str().to_owned(), status: status.as_str(), needed }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let written = rustix::fs::openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR)
            .and_then(|file| write_all(&file, bytes));
        written.map_err(CliError::path("write", &self.path.join(name)))
    }

    /// Who made it: the name of the directory's owner, its number where it has no name.
    pub(crate) fn owner(&self) -> String {
        let Ok(stat) = rustix::fs::fstat(&self.directory) else { return String::new() };
        let number = stat.st_uid.to_string();
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let named = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == number).then(|| name.to_owned())
        });
        named.unwrap_or(number)
    }

    /// Whether it waits at its gate.
    pub(crate) fn has_gate(&self) -> bool {
        rustix::fs::statat(&self.directory, GATE, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Takes the gate away: the container was started.
    pub(crate) fn remove_gate(&self) -> Result<(), CliError> {
        match rustix::fs::unlinkat(&self.directory, GATE, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(CliError::path("remove", &self.path.join(GATE))(errno)),
        }
    }

    /// What it is doing, from its process, its gate and its group.
    pub(crate) fn status(&self, record: Option<&Record>) -> Status {
        let Some(record) = record else { return Status::Creating };
        let alive = process::glimpse(record.pid)
            .is_some_and(|found| found.alive && found.start_time == record.start_time);
        if !alive {
            return Status::Stopped;
        }
        if self.has_gate() {
            return Status::Created;
        }
        let frozen = crate::groups::open(record.cgroup.as_ref()).ok().flatten();
        if frozen.is_some_and(|group: Group| group.is_frozen().unwrap_or(false)) {
            return Status::Paused;
        }
        Status::Running
    }

    /// Removes the directory and with it the container.
    pub(crate) fn remove(self) -> Result<(), CliError> {
        for name in [GATE, RECORD, ".state.json", CONFIG] {
            match rustix::fs::unlinkat(&self.directory, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(CliError::path("remove", &self.path.join(name))(errno)),
            }
        }
        rustix::fs::rmdir(&self.path).map_err(CliError::path("remove", &self.path))
    }
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(file, bytes))?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Reads a document, up to the largest size that one may have.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(CliError::std_path("read", path))?;
    file.take(DOCUMENT_BYTES_MAX).read_to_end(&mut bytes).map_err(CliError::std_path("read", path))?;
    Ok(bytes)
}

/// Parses a document.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, CliError> {
    serde_json::from_slice(bytes).map_err(|source| CliError::Document { path: path.to_owned(), source })
}
