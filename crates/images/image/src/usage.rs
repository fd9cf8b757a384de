//! How much of the disk images take.

use crate::error::StoreError;
use crate::images::Images;
use crate::model::ImageInfo;
use ids::Digest;
use snapshot::LayerKey;
use std::collections::{HashMap, HashSet};

/// One image's part.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageUsage {
    /// The image.
    pub info: ImageInfo,
    /// Bytes of layers that other images have as well.
    pub shared: u64,
    /// Bytes of layers that only this image has.
    pub unique: u64,
}

/// The whole store.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreUsage {
    /// The images of the namespace.
    pub images: Vec<ImageUsage>,
    /// Bytes of all unpacked layers by their recorded sizes, each once.
    pub layers: u64,
    /// Bytes of all blobs on the disk.
    pub blobs: u64,
}

impl StoreUsage {
    /// Bytes that removing all images but these (by id) would free, by recorded layer sizes.
    #[must_use]
    pub fn reclaimable(&self, in_use: &HashSet<Digest>) -> u64 {
        let used: u64 = self
            .images
            .iter()
            .filter(|one| in_use.contains(&one.info.image.id))
            .map(|one| one.info.size)
            .sum();
        self.layers.saturating_sub(used)
    }
}

impl Images {
    /// Measures the store, from what was recorded when layers were unpacked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn usage(&self) -> Result<StoreUsage, StoreError> {
        let infos = self.list()?;
        let mut holders: HashMap<LayerKey, (u64, u32)> = HashMap::new();
        let mut of_image = Vec::new();
        for info in &infos {
            let mut keys = HashSet::new();
            for layer in &info.image.layers {
                keys.extend(self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)?);
            }
            for key in &keys {
                let size = self.snapshots.layer(key)?.size;
                holders.entry(key.clone()).or_insert((size, 0)).1 += 1;
            }
            of_image.push(keys);
        }
        let mut usage = StoreUsage { blobs: self.content.usage()?, ..StoreUsage::default() };
        for key in self.snapshots.layers()? {
            usage.layers += match holders.get(&key) {
                Some((size, _)) => *size,
                None => self.snapshots.layer(&key)?.size,
            };
        }
        for (info, keys) in infos.into_iter().zip(of_image) {
            let sum = |shared: bool| -> u64 {
                let mine = keys.iter().filter_map(|key| holders.get(key));
                mine.filter(|(_, count)| (*count > 1) == shared).map(|(size, _)| size).sum()
            };
            usage.images.push(ImageUsage { shared: sum(true), unique: sum(false), info });
        }
        Ok(usage)
    }
}
