//! Mark and sweep: what nothing points at goes.
//!
//! Roots are the records and names of every namespace, the layers below every container's file system, and the
//! leases of running operations. Marking and taking away happen under the exclusive guard; deleting the files of
//! layers happens after it, from the trash.

use crate::error::StoreError;
use crate::images::Images;
use crate::list::is_damage;
use crate::{chain, document};
use content::BlobInfo;
use ids::Digest;
use snapshot::{LayerKey, SnapshotError};
use std::collections::HashSet;

/// What is needed.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    pub(crate) blobs: HashSet<Digest>,
    pub(crate) layers: HashSet<LayerKey>,
}

/// What a sweep took away.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Swept {
    pub(crate) blobs: Vec<BlobInfo>,
    pub(crate) layers: Vec<LayerKey>,
    /// Bytes of the blobs, and sizes of the layers as recorded.
    pub(crate) bytes: u64,
}

impl Images {
    /// Everything that something points at. A document that is lost or damaged marks only itself: what it would have
    /// led to cannot be known.
    pub(crate) fn mark(&self) -> Result<Marked, StoreError> {
        let mut marked = Marked::default();
        let mut targets: HashSet<(Digest, Digest)> = HashSet::new();
        for record in self.names.images(None)? {
            targets.insert((record.id, record.target));
        }
        for record in self.names.names(None)? {
            marked.blobs.extend(record.reference.digest().cloned());
            targets.insert((record.id, record.target));
        }
        for (id, target) in targets {
            self.mark_image(&mut marked, &id, &target)?;
        }
        for container in self.snapshots.containers()? {
            match self.snapshots.parents(&container) {
                Ok(parents) => marked.layers.extend(parents),
                // Half made, and nobody is making it: the guard is ours.
                Err(SnapshotError::MissingSnapshot { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let leased = self.content.leased()?;
        marked.blobs.extend(leased.blobs);
        marked.layers.extend(leased.layers.iter().filter_map(|key| LayerKey::parse(key).ok()));
        Ok(marked)
    }

    fn mark_image(&self, marked: &mut Marked, id: &Digest, target: &Digest) -> Result<(), StoreError> {
        marked.blobs.extend([id.clone(), target.clone()]);
        match document::manifest(&self.content, target) {
            Ok(manifest) => {
                marked.blobs.insert(manifest.config.digest);
                marked.blobs.extend(manifest.layers.into_iter().map(|layer| layer.digest));
            }
            Err(error) if is_damage(&error) => {}
            Err(error) => return Err(error),
        }
        match document::config(&self.content, id) {
            Ok(config) => {
                for layer in chain::layers(&config.rootfs.diff_ids) {
                    marked.layers.extend(self.snapshots.layer_keys(&layer.diff_id, &layer.chain_id));
                }
                Ok(())
            }
            Err(error) if is_damage(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes away what nothing points at.
    pub(crate) fn sweep(&self) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        {
            let _guard = self.content.guard_exclusive()?;
            let marked = self.mark()?;
            for blob in self.content.list()? {
                if !marked.blobs.contains(&blob.digest) && self.content.delete(&blob.digest)? {
                    swept.bytes += blob.size;
                    swept.blobs.push(blob);
                }
            }
            for key in self.snapshots.layers()? {
                if marked.layers.contains(&key) {
                    continue;
                }
                let size = self.snapshots.layer(&key).map_or(0, |meta| meta.size);
                if self.snapshots.remove_layer(&key)? {
                    swept.bytes += size;
                    swept.layers.push(key);
                }
            }
        }
        self.snapshots.empty_trash()?;
        Ok(swept)
    }
}
