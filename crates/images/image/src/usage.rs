//! How much of the disk images take.

use crate::document;
use crate::error::StoreError;
use crate::images::Images;
use crate::list::is_damage;
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
    /// Bytes of its blobs (manifest, configuration, layers as received), by digest.
    blobs: HashMap<Digest, u64>,
    /// Its unpacked layers and their recorded sizes.
    layers: HashMap<LayerKey, u64>,
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
    /// Bytes that removing all images but these (by id) would free: blobs, and layers by their recorded sizes.
    #[must_use]
    pub fn reclaimable(&self, in_use: &HashSet<Digest>) -> u64 {
        let used = || self.images.iter().filter(|one| in_use.contains(&one.info.image.id));
        let blobs: HashMap<_, _> = used().flat_map(|one| &one.blobs).collect();
        let layers: HashMap<_, _> = used().flat_map(|one| &one.layers).collect();
        let needed: u64 = blobs.into_values().chain(layers.into_values()).sum();
        (self.layers + self.blobs).saturating_sub(needed)
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
            let layers = keys
                .iter()
                .filter_map(|key| holders.get(key).map(|(size, _)| (key.clone(), *size)))
                .collect();
            let blobs = self.blobs_of(&info)?;
            usage.images.push(ImageUsage { shared: sum(true), unique: sum(false), blobs, layers, info });
        }
        Ok(usage)
    }

    /// Blobs of an image, with what they take on the disk.
    fn blobs_of(&self, info: &ImageInfo) -> Result<HashMap<Digest, u64>, StoreError> {
        let mut digests = vec![info.image.manifest.clone(), info.image.id.clone()];
        match document::manifest(&self.content, &info.image.manifest) {
            Ok(manifest) => digests.extend(manifest.layers.into_iter().map(|layer| layer.digest)),
            Err(error) if is_damage(&error) => {}
            Err(error) => return Err(error),
        }
        let sized = |digest: Digest| (digest.clone(), self.content.usage_of(&digest));
        Ok(digests.into_iter().map(sized).collect())
    }
}
