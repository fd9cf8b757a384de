//! [`Overlay`] as a [`Snapshotter`].

use crate::overlay::{Overlay, Parents};
use crate::sync::{sync_dir, sync_trees};
use crate::tree::{make_dir, measure, read_dir, remove_tree};
use crate::{
    Durability, LayerKey, LayerMeta, PendingLayer, SnapshotError, SnapshotKey, Snapshotter, Usage, merged,
};
use ids::Digest;
use spec::rootfs::Rootfs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

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
