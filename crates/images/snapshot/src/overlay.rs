//! Layers as directories, stacked by overlayfs.

use crate::layer::open_dir;
use crate::tree::{make_dir, read_dir};
use crate::{LayerKey, PendingLayer, SnapshotError, SnapshotKey, Snapshotter};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use spec::rootfs::Rootfs;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How many lower directories overlayfs stacks (fs/overlayfs, `OVL_MAX_STACK`), one kept for `empty`.
const LAYERS_MAX: usize = 499;

/// The class of overlayfs's own attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// `trusted.overlay.*`, for who has CAP_SYS_ADMIN over the host.
    Trusted,
    /// `user.overlay.*`, for mounts inside a user namespace.
    User,
}

/// The snapshotter upon overlayfs. Cheap to open: no system call.
#[derive(Debug, Clone)]
pub struct Overlay {
    pub(crate) root: PathBuf,
    flavour: Flavour,
}

/// `containers/<key>/parents`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Parents {
    pub(crate) layers: Vec<LayerKey>,
}

impl Overlay {
    /// The snapshotter below `root`, which need not exist yet.
    #[must_use]
    pub fn open(root: impl Into<PathBuf>, flavour: Flavour) -> Self {
        Self { root: root.into(), flavour }
    }

    pub(crate) fn user(&self) -> bool {
        self.flavour == Flavour::User
    }

    pub(crate) fn layers_dir(&self) -> PathBuf {
        self.root.join("layers")
    }

    pub(crate) fn layer_dir(&self, key: &LayerKey) -> PathBuf {
        self.layers_dir().join(key.as_str())
    }

    pub(crate) fn containers_dir(&self) -> PathBuf {
        self.root.join("containers")
    }

    pub(crate) fn container_dir(&self, key: &SnapshotKey) -> PathBuf {
        self.containers_dir().join(key.as_str())
    }

    /// The directories of `parents`, topmost first.
    pub(crate) fn lowers(&self, parents: &[LayerKey]) -> Result<Vec<PathBuf>, SnapshotError> {
        if parents.len() > LAYERS_MAX {
            return Err(SnapshotError::TooDeep { count: parents.len(), limit: LAYERS_MAX });
        }
        Ok(parents.iter().rev().map(|key| self.layer_dir(key).join("fs")).collect())
    }

    fn empty(&self) -> Result<PathBuf, SnapshotError> {
        let path = self.root.join("empty");
        make_dir(&path)?;
        Ok(path)
    }

    /// What the runtime mounts.
    pub(crate) fn plan(
        &self,
        parents: &[LayerKey],
        container: Option<&Path>,
    ) -> Result<Rootfs, SnapshotError> {
        let mut lowers = self.lowers(parents)?;
        // overlayfs wants one lower directory with an upper one, two without.
        let wanted = if container.is_some() { 1 } else { 2 };
        if lowers.len() < wanted {
            lowers.push(self.empty()?);
        }
        Ok(Rootfs::Overlay {
            lowers,
            upper: container.map(|dir| dir.join("upper")),
            work: container.map(|dir| dir.join("work")),
            userxattr: self.user(),
        })
    }

    /// Renames into the trash; where to, or `None` when it was not there.
    pub(crate) fn to_trash(&self, path: &Path) -> Result<Option<PathBuf>, SnapshotError> {
        let trash = self.root.join("trash");
        let target = trash.join(ids::ExecId::random().as_str());
        let rename = || std::fs::rename(path, &target);
        let done = match rename() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_dir(&trash)?;
                rename()
            }
            done => done,
        };
        match done {
            Ok(()) => Ok(Some(target)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SnapshotError::io("remove", path)(error)),
        }
    }

    pub(crate) fn write_record(
        path: &Path,
        record: &impl Serialize,
        sync: bool,
    ) -> Result<(), SnapshotError> {
        let text = serde_json::to_vec(record)
            .map_err(|source| SnapshotError::Record { path: path.to_owned(), source })?;
        let mut file = File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(SnapshotError::io("create", path))?;
        file.write_all(&text).map_err(SnapshotError::io("write", path))?;
        if sync { file.sync_all().map_err(SnapshotError::io("sync", path)) } else { Ok(()) }
    }

    /// Writable directories of a container, its root with the attributes of the topmost layer's root.
    pub(crate) fn make_container(&self, dir: &Path, parents: &[LayerKey]) -> Result<(), SnapshotError> {
        let root = match parents.last() {
            Some(key) => {
                let fs = self.layer_dir(key).join("fs");
                match std::fs::symlink_metadata(&fs) {
                    Ok(found) => Some(found),
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Err(SnapshotError::MissingLayer { key: key.clone() });
                    }
                    Err(error) => return Err(SnapshotError::io("look at", &fs)(error)),
                }
            }
            None => None,
        };
        let (mode, uid, gid) =
            root.map_or((0o755, 0, 0), |found| (found.mode() & 0o7777, found.uid(), found.gid()));
        let (upper, work) = (dir.join("upper"), dir.join("work"));
        let make = |path: &Path, mode| {
            std::fs::DirBuilder::new().mode(mode).create(path).map_err(SnapshotError::io("create", path))
        };
        make(&upper, 0o700)?;
        make(&work, 0o700)?;
        if (uid, gid) != (0, 0) {
            std::os::unix::fs::lchown(&upper, Some(uid), Some(gid))
                .map_err(SnapshotError::io("change", &upper))?;
        }
        std::fs::set_permissions(&upper, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .map_err(SnapshotError::io("change", &upper))
    }

    /// Makes the directory of a container; one that a killed call left is thrown away first.
    pub(crate) fn claim_container(&self, key: &SnapshotKey) -> Result<PathBuf, SnapshotError> {
        let dir = self.container_dir(key);
        let create = || std::fs::DirBuilder::new().mode(0o700).create(&dir);
        match create() {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == ErrorKind::NotFound => make_dir(&self.containers_dir())?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if self.parents(key).is_ok() {
                    return Err(SnapshotError::Exists { key: key.clone() });
                }
                self.remove(key)?;
            }
            Err(error) => return Err(SnapshotError::io("create", &dir)(error)),
        }
        create().map_err(SnapshotError::io("create", &dir))?;
        Ok(dir)
    }

    pub(crate) fn publish(&self, mut layer: PendingLayer, key: &LayerKey) -> Result<(), SnapshotError> {
        let Some(from) = layer.path.clone() else { return Ok(()) };
        let to = self.layer_dir(key);
        match std::fs::rename(&from, &to) {
            Ok(()) => {
                layer.path = None;
                Ok(())
            }
            // Somebody published the same layer meanwhile; ours goes with `layer`.
            Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {
                Ok(())
            }
            Err(error) => Err(SnapshotError::io("publish", &to)(error)),
        }
    }

    /// The unfinished layers that nobody writes, locked so that they stay so.
    pub(crate) fn abandoned(&self) -> Result<Vec<(PathBuf, rustix::fd::OwnedFd)>, SnapshotError> {
        let mut found = Vec::new();
        for entry in read_dir(&self.root.join("ingest"))? {
            let path = entry.path();
            let Ok(lock) = open_dir(&path) else { continue };
            if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                found.push((path, lock));
            }
        }
        Ok(found)
    }
}
