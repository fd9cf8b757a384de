//! A container's file system: as its processes see it while it runs, put together for us while it does not.

use super::lookup::LookupError;
use super::observe::{self, Observed};
use super::operation::Operation;
use super::record::Container;
use super::root_view::{self, RootView};
use crate::Engine;
use crate::documents::{self, FileError};
use ids::ContainerId;
use kernel::namespace::{self, Kind, Kinds};
use monitor::facts::Started;
use monitor::status::State;
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

/// Why a container's file system could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FileSystemError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It is about to be restarted: its file system is between two runs.
    #[error("container {id} is restarting, wait until the container is running")]
    Restarting {
        /// Which.
        id: ContainerId,
    },
    /// A file of it.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Where the root is, and what keeps it there.
#[derive(Debug)]
enum Hold {
    /// The root of a running container, through `/proc`; mounts upon it are those of its own namespace.
    Running(OwnedFd),
    /// Mounted by us; nobody starts the container meanwhile.
    Mounted(RootView, #[expect(dead_code, reason = "held, not read")] Operation),
}

/// Whether volumes, binds and kernel file systems are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mounts {
    /// As the container sees it.
    Shown,
    /// The root file system alone, with the places that they are mounted on.
    Hidden,
}

/// An open file system of a container.
#[derive(Debug)]
pub(super) struct FileSystem {
    pub(super) container: Container,
    hold: Hold,
}

impl FileSystem {
    /// The root directory (`O_PATH`). Whatever is below it belongs to whoever is in the container.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        match &self.hold {
            Hold::Running(root) => root.as_fd(),
            Hold::Mounted(view, _) => view.root.as_fd(),
        }
    }
}

/// How often a container that changes its state while we look is looked at again.
const ATTEMPTS_MAX: u32 = 50;
/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

impl Engine {
    /// Opens the file system of a container in any state but restarting. Of a stopped one, the operation lock is
    /// held as long as the value lives.
    pub(super) fn open_file_system(
        &self,
        query: &str,
        mounts: Mounts,
    ) -> Result<FileSystem, FileSystemError> {
        let container = self.read_container(query)?;
        let directories = self.directories(&container.id);
        for _ in 0..ATTEMPTS_MAX {
            let observed = observe::observe(&directories);
            if let Some(root) = running_root(&observed, mounts)? {
                return Ok(FileSystem { container, hold: Hold::Running(root) });
            }
            if observed.state == State::Restarting {
                return Err(FileSystemError::Restarting { id: container.id });
            }
            if !observed.owned
                && let Some(found) = self.mount_file_system(container.id.as_str(), mounts)?
            {
                return Ok(found);
            }
            // It is being started, or ends just now.
            std::thread::sleep(LOOK_INTERVAL);
        }
        Err(FileSystemError::Restarting { id: container.id })
    }

    /// The file system of a container without processes; `None` when it has some after all.
    fn mount_file_system(&self, id: &str, mounts: Mounts) -> Result<Option<FileSystem>, FileSystemError> {
        let held = self.hold(id)?;
        let observed = observe::observe(&held.directories);
        if observed.owned || observed.alive {
            return Ok(None);
        }
        let desired = documents::read_desired(&held.directories)?
            .ok_or_else(|| LookupError::Incomplete { id: held.container.id.clone() })?;
        let view = match mounts {
            Mounts::Shown => root_view::container(&desired.rootfs, &desired.spec, &held.directories.data)?,
            Mounts::Hidden => root_view::bare(&desired.rootfs)?,
        };
        Ok(Some(FileSystem { container: held.container, hold: Hold::Mounted(view, held.operation) }))
    }
}

fn running_root(observed: &Observed, mounts: Mounts) -> Result<Option<OwnedFd>, FileError> {
    match &observed.started {
        Some(started) if observed.alive && mounts == Mounts::Shown => root_of(started),
        Some(started) if observed.alive => bare_root_of(started),
        _ => Ok(None),
    }
}

/// The root file system of a running container without the mounts upon it, cloned out of its mount namespace; `None`
/// when it is gone.
fn bare_root_of(started: &Started) -> Result<Option<OwnedFd>, FileError> {
    let path = PathBuf::from(format!("/proc/{}/ns/mnt", started.pid));
    let namespace = match namespace::open_of(started.pid, Kind::Mount) {
        Ok(namespace) => namespace,
        Err(Errno::NOENT | Errno::SRCH) => return Ok(None),
        Err(errno) => return Err(FileError::of_errno("open", &path)(errno)),
    };
    if !started.is_alive() {
        return Ok(None);
    }
    // Entering a mount namespace moves a thread that shares nothing with others (setns(2)); this one ends at once.
    let clone = || {
        namespace::unshare(Kinds::NONE.with(Kind::Mount))?;
        namespace::enter(namespace.as_fd(), Kind::Mount)?;
        open_tree(CWD, "/", OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)
    };
    let cloned = std::thread::scope(|scope| scope.spawn(clone).join().unwrap_or(Err(Errno::CANCELED)));
    cloned.map(Some).map_err(FileError::of_errno("clone the root of", &path))
}

/// The root of a container's first process; `None` when it is gone.
pub(super) fn root_of(started: &Started) -> Result<Option<OwnedFd>, FileError> {
    let path = PathBuf::from(format!("/proc/{}/root", started.pid));
    let root = match kernel::path::open_root(&path) {
        Ok(root) => root,
        Err(Errno::NOENT | Errno::SRCH) => return Ok(None),
        Err(errno) => return Err(FileError::of_errno("open", &path)(errno)),
    };
    // The number may have gone to another process before we opened it.
    Ok(started.is_alive().then_some(root))
}
