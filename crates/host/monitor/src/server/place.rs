//! The container's two directories, by descriptor: they are reached even when somebody renames them.

use super::isolation::Failure;
use crate::desired::{Desired, VERSION};
use crate::layout::data;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// Bytes of `desired.json` at the most.
const DESIRED_MAX: u64 = 8 * 1024 * 1024;

/// The directories, and the lock that says that they have an owner.
#[derive(Debug)]
pub(super) struct Place {
    data: OwnedFd,
    exec: OwnedFd,
    live_lock: Option<OwnedFd>,
}

impl Place {
    pub(super) fn new(live_lock: OwnedFd, data: OwnedFd, exec: OwnedFd) -> Self {
        Self { data, exec, live_lock: Some(live_lock) }
    }

    /// A path of the data directory that is good in this process.
    pub(super) fn data_path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.data.as_raw_fd()))
    }

    /// The directory below the exec root.
    pub(super) fn exec(&self) -> BorrowedFd<'_> {
        self.exec.as_fd()
    }

    /// A path of the exec directory's parent, where the other containers' directories are.
    pub(super) fn exec_siblings(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/..", self.exec.as_raw_fd()))
    }

    /// The events directory of the instance: beside `containers` below the data root.
    pub(super) fn events(&self) -> rustix::io::Result<OwnedFd> {
        use rustix::fs::{Mode, OFlags};
        rustix::fs::openat(
            &self.data,
            "../../events",
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }

    /// Where networks have their directories, beside `containers` below the exec root; made if need be.
    pub(super) fn networks(&self) -> rustix::io::Result<OwnedFd> {
        use rustix::fs::{Mode, OFlags};
        let path = "../../networks";
        match rustix::fs::mkdirat(&self.exec, path, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(other) => return Err(other),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.exec, path, flags, Mode::empty())
    }

    /// Whether the user asked the container to end.
    pub(super) fn stopped_by_user(&self) -> bool {
        rustix::fs::accessat(
            &self.data,
            data::STOPPED_BY_USER,
            rustix::fs::Access::EXISTS,
            rustix::fs::AtFlags::empty(),
        )
        .is_ok()
    }

    /// Reads `desired.json`.
    pub(super) fn read_desired(&self) -> Result<Desired, Failure> {
        let read = || -> std::io::Result<Desired> {
            let mut text = Vec::new();
            File::open(self.data_path().join(data::DESIRED))?.take(DESIRED_MAX).read_to_end(&mut text)?;
            Ok(serde_json::from_slice(&text)?)
        };
        let desired = read().map_err(|error| Failure {
            kind: crate::protocol::FailureKind::Host,
            message: format!("cannot read the container's {}: {error}", data::DESIRED),
        })?;
        if desired.version > VERSION {
            return Err(Failure::state(format!(
                "the container's document has version {}, this program understands {VERSION}: use the newer program",
                desired.version
            )));
        }
        Ok(desired)
    }

    /// Lets somebody else own the container.
    pub(super) fn unlock(&mut self) {
        self.live_lock = None;
    }
}
