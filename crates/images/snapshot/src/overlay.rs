//! Layers as directories, stacked by overlayfs.

use crate::layer::open_dir;
use crate::sync::{sync_dir, sync_trees};
use crate::tree::{make_dir, measure, read_dir, remove_tree};
use crate::{
    Durability, LayerKey, LayerMeta, PendingLayer, SnapshotError, SnapshotKey, Snapshotter, Usage, merged,
};
use ids::Digest;
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
    root: PathBuf,
    flavour: Flavour,
}

/// `containers/<key>/parents`.
#[derive(Serialize, Deserialize)]
struct Parents {
    layers: Vec<LayerKey>,
}

impl Overlay {
    /// The snapshotter below `root`, which need not exist yet.
    #[must_use]
    pub fn open(root: impl Into<PathBuf>, flavour: Flavour) -> Self {
        Self { root: root.into(), flavour }
    }

    fn user(&self) -> bool {
        self.flavour == Flavour::User
    }

    fn layers_dir(&self) -> PathBuf {
        self.root.join("layers")
    }

    fn layer_dir(&self, key: &LayerKey) -> PathBuf {
        self.layers_dir().join(key.as_str())
    }

    fn containers_dir(&self) -> PathBuf {
        self.root.join("containers")
    }

    fn container_dir(&self, key: &SnapshotKey) -> PathBuf {
        self.containers_dir().join(key.as_str())
    }

    /// The directories of `parents`, topmost first.
    fn lowers(&self, parents: &[LayerKey]) -> Result<Vec<PathBuf>, SnapshotError> {
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
    fn plan(&self, parents: &[LayerKey], container: Option<&Path>) -> Result<Rootfs, SnapshotError> {
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
    fn to_trash(&self, path: &Path) -> Result<Option<PathBuf>, SnapshotError> {
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

    fn write_record(path: &Path, record: &impl Serialize, sync: bool) -> Result<(), SnapshotError> {
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
    fn make_container(&self, dir: &Path, parents: &[LayerKey]) -> Result<(), SnapshotError> {
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
    fn claim_container(&self, key: &SnapshotKey) -> Result<PathBuf, SnapshotError> {
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

    fn publish(&self, mut layer: PendingLayer, key: &LayerKey) -> Result<(), SnapshotError> {
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
    fn abandoned(&self) -> Result<Vec<(PathBuf, rustix::fd::OwnedFd)>, SnapshotError> {
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

impl Snapshotter for Overlay {
    fn find_layer(&self, diff: &Digest, chain: &Digest) -> Result<Option<LayerKey>, SnapshotError> {
        for key in self.layer_keys(diff, chain) {
            let path = self.layer_dir(&key);
            match rustix::fs::access(&path, rustix::fs::Access::EXISTS) {
                Ok(()) => return Ok(Some(key)),
                Err(rustix::io::Errno::NOENT) => {}
                Err(errno) => return Err(SnapshotError::errno("look at", &path)(errno)),
            }
        }
        Ok(None)
    }

    fn layer_keys(&self, diff: &Digest, chain: &Digest) -> [LayerKey; 2] {
        [LayerKey::of_diff(diff, self.user()), LayerKey::of_chain(chain, self.user())]
    }

    fn prepare_layer(&self) -> Result<PendingLayer, SnapshotError> {
        PendingLayer::create(&self.root.join("ingest"))
    }

    fn prepare_layer_over(&self, parents: &[LayerKey]) -> Result<PendingLayer, SnapshotError> {
        let mut layer = self.prepare_layer()?;
        let lowers = self.lowers(parents)?;
        if let (false, Some(path)) = (lowers.is_empty(), layer.path.clone()) {
            // As in a container: the root of what lies below shows unless the layer says otherwise.
            std::fs::remove_dir(path.join("fs")).map_err(SnapshotError::io("delete", &path))?;
            self.make_container(&path, parents)?;
            std::fs::rename(path.join("upper"), path.join("fs"))
                .map_err(SnapshotError::io("rename", &path))?;
            let lowers: Vec<&Path> = lowers.iter().map(PathBuf::as_path).collect();
            layer.target = merged::mount(&lowers, &path.join("fs"), &path.join("work"), self.user())?;
            layer.mounted = true;
        }
        Ok(layer)
    }

    fn commit(&self, layers: Vec<(PendingLayer, LayerMeta)>) -> Result<Vec<LayerKey>, SnapshotError> {
        let mut ready = Vec::new();
        for (layer, meta) in layers {
            let Some(path) = layer.path.clone() else { continue };
            let layer = if layer.mounted { layer.unmount()? } else { layer };
            Self::write_record(&path.join("layer.json"), &meta, false)?;
            let key = match &meta.chain_id {
                Some(chain) => LayerKey::of_chain(chain, self.user()),
                None => LayerKey::of_diff(&meta.diff_id, self.user()),
            };
            ready.push((layer, key, path, meta.entries + 2));
        }
        make_dir(&self.layers_dir())?;
        sync_trees(
            &ready.iter().map(|(_, _, path, entries)| (path.as_path(), *entries)).collect::<Vec<_>>(),
        )?;
        let mut keys = Vec::new();
        for (layer, key, _, _) in ready {
            self.publish(layer, &key)?;
            keys.push(key);
        }
        if !keys.is_empty() {
            sync_dir(&self.layers_dir())?;
            sync_dir(&self.root)?;
        }
        Ok(keys)
    }

    fn layer(&self, key: &LayerKey) -> Result<LayerMeta, SnapshotError> {
        let path = self.layer_dir(key).join("layer.json");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(SnapshotError::MissingLayer { key: key.clone() });
            }
            Err(error) => return Err(SnapshotError::io("read", &path)(error)),
        };
        serde_json::from_slice(&text).map_err(|source| SnapshotError::Record { path, source })
    }

    fn layers(&self) -> Result<Vec<LayerKey>, SnapshotError> {
        let entries = read_dir(&self.layers_dir())?;
        Ok(entries.iter().filter_map(|entry| LayerKey::parse(entry.file_name().to_str()?).ok()).collect())
    }

    fn remove_layer(&self, key: &LayerKey) -> Result<bool, SnapshotError> {
        Ok(self.to_trash(&self.layer_dir(key))?.is_some())
    }

    fn prepare(
        &self,
        key: &SnapshotKey,
        parents: &[LayerKey],
        durability: Durability,
    ) -> Result<Rootfs, SnapshotError> {
        let dir = self.claim_container(key)?;
        let made = (|| {
            let plan = self.plan(parents, Some(&dir))?;
            self.make_container(&dir, parents)?;
            let durable = durability == Durability::Durable;
            Self::write_record(&dir.join("parents"), &Parents { layers: parents.to_vec() }, durable)?;
            if durable {
                sync_dir(&dir)?;
                sync_dir(&self.containers_dir())?;
            }
            Ok(plan)
        })();
        if made.is_err() {
            // A directory without `parents` is a leftover that the next call or sweep takes.
            let _ = remove_tree(&dir);
        }
        made
    }

    fn view(&self, parents: &[LayerKey]) -> Result<Rootfs, SnapshotError> {
        self.plan(parents, None)
    }

    fn rootfs(&self, key: &SnapshotKey) -> Result<Rootfs, SnapshotError> {
        self.plan(&self.parents(key)?, Some(&self.container_dir(key)))
    }

    fn parents(&self, key: &SnapshotKey) -> Result<Vec<LayerKey>, SnapshotError> {
        let path = self.container_dir(key).join("parents");
        let text = match std::fs::read(&path) {
            Ok(text) if text.is_empty() => return Err(SnapshotError::MissingSnapshot { key: key.clone() }),
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(SnapshotError::MissingSnapshot { key: key.clone() });
            }
            Err(error) => return Err(SnapshotError::io("read", &path)(error)),
        };
        let parents: Parents =
            serde_json::from_slice(&text).map_err(|source| SnapshotError::Record { path, source })?;
        Ok(parents.layers)
    }

    fn containers(&self) -> Result<Vec<SnapshotKey>, SnapshotError> {
        let entries = read_dir(&self.containers_dir())?;
        Ok(entries.iter().filter_map(|entry| SnapshotKey::parse(entry.file_name().to_str()?).ok()).collect())
    }

    fn usage(&self, key: &SnapshotKey) -> Result<Usage, SnapshotError> {
        let upper = self.container_dir(key).join("upper");
        if !upper.exists() {
            return Err(SnapshotError::MissingSnapshot { key: key.clone() });
        }
        measure(&upper)
    }

    fn layer_usage(&self, key: &LayerKey) -> Result<Usage, SnapshotError> {
        let fs = self.layer_dir(key).join("fs");
        if !fs.exists() {
            return Err(SnapshotError::MissingLayer { key: key.clone() });
        }
        measure(&fs)
    }

    fn remove(&self, key: &SnapshotKey) -> Result<bool, SnapshotError> {
        match self.to_trash(&self.container_dir(key))? {
            Some(path) => remove_tree(&path).map(|_| true),
            None => Ok(false),
        }
    }

    fn remove_later(&self, key: &SnapshotKey) -> Result<bool, SnapshotError> {
        Ok(self.to_trash(&self.container_dir(key))?.is_some())
    }

    fn empty_trash(&self) -> Result<usize, SnapshotError> {
        let mut removed = 0;
        for entry in read_dir(&self.root.join("trash"))? {
            removed += usize::from(remove_tree(&entry.path())?);
        }
        Ok(removed)
    }

    fn leftovers(&self) -> Result<Vec<PathBuf>, SnapshotError> {
        let mut found: Vec<PathBuf> = self.abandoned()?.into_iter().map(|(path, _)| path).collect();
        found.extend(read_dir(&self.root.join("trash"))?.iter().map(std::fs::DirEntry::path));
        Ok(found)
    }

    fn sweep_leftovers(&self) -> Result<usize, SnapshotError> {
        let mut swept = self.empty_trash()?;
        for (path, _lock) in self.abandoned()? {
            swept += usize::from(remove_tree(&path)?);
        }
        Ok(swept)
    }
}
