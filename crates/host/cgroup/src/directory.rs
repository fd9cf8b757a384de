//! One directory of one hierarchy, by descriptor.

use crate::hierarchy::{Hierarchy, Version};
use crate::{CgroupError, ControllerSet};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// No file that this crate reads is longer: `cgroup.procs` with four million processes has 32 MiB.
const FILE_MAX: usize = 64 << 20;

/// A group's directory in one hierarchy.
#[derive(Debug)]
pub(crate) struct Directory {
    /// `O_PATH`.
    pub(crate) fd: OwnedFd,
    /// For messages and removal.
    pub(crate) path: PathBuf,
    pub(crate) version: Version,
    /// Whose files are in it.
    pub(crate) controllers: ControllerSet,
}

impl Directory {
    /// Opens `relative` below a mount point; `Ok(None)` when it does not exist.
    pub(crate) fn open(hierarchy: &Hierarchy, relative: &str) -> Result<Option<Self>, CgroupError> {
        let path = hierarchy.mount_point.join(relative);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(fd) => {
                Ok(Some(Self { fd, path, version: hierarchy.version, controllers: hierarchy.controllers }))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(source) => Err(CgroupError::Open { path, source }),
        }
    }

    /// Whether this is the group's directory in that hierarchy.
    pub(crate) fn is_of(&self, hierarchy: &Hierarchy) -> bool {
        let same = self.version == Version::V2 || self.controllers == hierarchy.controllers;
        self.version == hierarchy.version && same
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file in it.
    pub(crate) fn open_file(&self, name: &str, flags: OFlags) -> Result<OwnedFd, CgroupError> {
        rustix::fs::openat(&self.fd, name, flags | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty())
            .map_err(|source| CgroupError::Open { path: self.file(name), source })
    }

    /// Reads a whole file; `Ok(None)` when it does not exist.
    pub(crate) fn read_if_there(&self, name: &str) -> Result<Option<String>, CgroupError> {
        let file = match self.open_file(name, OFlags::RDONLY) {
            Ok(file) => file,
            Err(CgroupError::Open { source: Errno::NOENT, .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        match read_all(&file) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(source) => Err(CgroupError::Read { path: self.file(name), source }),
        }
    }

    /// Reads a whole file.
    pub(crate) fn read(&self, name: &str) -> Result<String, CgroupError> {
        let missing = || CgroupError::Open { path: self.file(name), source: Errno::NOENT };
        self.read_if_there(name)?.ok_or_else(missing)
    }

    /// Reads a file of one number; `max` is `u64::MAX`. `Ok(None)` when it does not exist.
    pub(crate) fn number_if_there(&self, name: &str) -> Result<Option<u64>, CgroupError> {
        let Some(text) = self.read_if_there(name)? else { return Ok(None) };
        let number = match text.trim() {
            "max" => Some(u64::MAX),
            digits => digits.parse().ok(),
        };
        let content =
            || CgroupError::Content { path: self.file(name), text: text.chars().take(80).collect() };
        number.map(Some).ok_or_else(content)
    }

    /// Writes a value in one write, as the kernel wants it.
    pub(crate) fn write(&self, name: &str, value: &str) -> rustix::io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&self.fd, name, flags, Mode::empty())?;
        write_once(file.as_fd(), value)
    }

    /// As [`Self::write`], with the file in the error.
    pub(crate) fn write_control(&self, name: &str, value: &str) -> Result<(), CgroupError> {
        self.write(name, value).map_err(|source| CgroupError::Write {
            setting: name.to_owned(),
            value: value.to_owned(),
            path: self.file(name),
            source,
        })
    }
}

/// Writes a value in one write; a short write of a control file cannot be continued.
pub(crate) fn write_once(file: BorrowedFd<'_>, value: &str) -> rustix::io::Result<()> {
    loop {
        match rustix::io::write(file, value.as_bytes()) {
            Ok(count) if count == value.len() => return Ok(()),
            Ok(_) => return Err(Errno::IO),
            Err(Errno::INTR) => {}
            Err(other) => return Err(other),
        }
    }
}

/// Reads to the end, [`FILE_MAX`] at the most.
pub(crate) fn read_all(file: impl AsFd) -> rustix::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 1024];
    let mut filled = 0;
    loop {
        match rustix::io::read(file.as_fd(), &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => continue,
            Err(other) => return Err(other),
        }
        if filled == bytes.len() {
            if filled >= FILE_MAX {
                return Err(Errno::FBIG);
            }
            bytes.resize(4 * filled, 0);
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Makes a directory, and the ones above it where they are missing. They are shared: somebody's clean-up may remove
/// an empty one at any moment, so this starts over a few times.
pub(crate) fn make(mount_point: &Path, relative: &str) -> rustix::io::Result<()> {
    let mode = Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
    for _ in 0..8 {
        match rustix::fs::mkdir(mount_point.join(relative), mode) {
            Err(Errno::NOENT) => {}
            done => return done,
        }
        for (end, _) in relative.match_indices('/') {
            match rustix::fs::mkdir(mount_point.join(&relative[..end]), mode) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(Errno::NOENT) => break,
                Err(other) => return Err(other),
            }
        }
    }
    Err(Errno::NOENT)
}
