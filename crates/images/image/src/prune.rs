//! Removing what nobody uses.

use crate::error::StoreError;
use crate::images::Images;
use crate::model::ImageInfo;
use crate::remove::{ImageUse, Removed};
use content::Change;

/// Which unused images go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneScope {
    /// Those without a name.
    Dangling,
    /// All.
    Unused,
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Names, images and layers, in Docker's words.
    pub removed: Vec<Removed>,
    /// Bytes that were freed: blobs, and layers by their sizes.
    pub bytes: u64,
}

impl Images {
    /// Removes images that no container uses and `keep` does not want (filters by label or age), and everything that
    /// nothing points at.
    ///
    /// # Errors
    /// When the store fails.
    pub fn prune(
        &self,
        scope: PruneScope,
        uses: &[ImageUse],
        keep: &dyn Fn(&ImageInfo) -> bool,
    ) -> Result<Pruned, StoreError> {
        // By it, `recover` knows should we be killed between the names and the files.
        let _lease = self.begin()?;
        let mut pruned = Pruned::default();
        let mut changes = Vec::new();
        let mut images = Vec::new();
        for info in self.list()? {
            let used = uses.iter().any(|one| one.image == info.image.id);
            let in_scope = scope == PruneScope::Unused || info.is_dangling();
            if used || !in_scope || keep(&info) {
                continue;
            }
            for reference in info.tags.iter().chain(&info.digests) {
                let (namespace, reference) = (self.namespace.clone(), reference.clone());
                pruned.removed.push(Removed::Untagged(reference.clone()));
                changes.push(Change::RemoveName { namespace, reference });
            }
            pruned.removed.push(Removed::Deleted(info.image.id.clone()));
            changes
                .push(Change::RemoveImage { namespace: self.namespace.clone(), id: info.image.id.clone() });
            images.push(info.image);
        }
        if !changes.is_empty() {
            self.names.apply(&changes)?;
        }
        let mut keyed = Vec::new();
        for layer in images.iter().flat_map(|image| image.layers.iter().rev()) {
            if let Some(key) = self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)? {
                keyed.push((key, layer.chain_id.clone()));
            }
        }
        let swept = self.sweep()?;
        let mut told = std::collections::HashSet::new();
        for (key, chain) in keyed {
            if swept.layers.contains(&key) && told.insert(chain.clone()) {
                pruned.removed.push(Removed::Deleted(chain));
            }
        }
        pruned.bytes = swept.bytes + self.content.sweep_partial()?;
        Ok(pruned)
    }
}
