//! All images, described.

use crate::error::StoreError;
use crate::images::Images;
use crate::model::{Image, ImageInfo};
use content::{ContentError, NameRecord};
use ids::Digest;
use std::collections::HashMap;

impl Images {
    /// All images of the namespace, newest first by their own creation time, as Docker lists them. One whose
    /// configuration is lost or damaged is left out; [`check`](Self::check) names it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self) -> Result<Vec<ImageInfo>, StoreError> {
        let mut names: HashMap<Digest, Vec<NameRecord>> = HashMap::new();
        for name in self.names.names(Some(&self.namespace))? {
            names.entry(name.id.clone()).or_default().push(name);
        }
        let mut all = Vec::new();
        for record in self.names.images(Some(&self.namespace))? {
            let image = match self.read_image(&record.id, &record.target) {
                Ok(image) => image,
                Err(error) if is_damage(&error) => continue,
                Err(error) => return Err(error),
            };
            let names = names.remove(&record.id).unwrap_or_default();
            all.push(self.describe(image, &names, record.added)?);
        }
        all.sort_by_cached_key(|info| std::cmp::Reverse(created_nanoseconds(&info.image)));
        Ok(all)
    }

    pub(crate) fn describe(
        &self,
        image: Image,
        names: &[NameRecord],
        added: i64,
    ) -> Result<ImageInfo, StoreError> {
        let (tags, digests): (Vec<_>, Vec<_>) =
            names.iter().map(|record| record.reference.clone()).partition(|name| name.digest().is_none());
        let size = self.size_of(&image)?;
        Ok(ImageInfo { image, tags, digests, size, added })
    }

    /// Sum of the sizes of the unpacked layers; one that is not unpacked counts nothing.
    fn size_of(&self, image: &Image) -> Result<u64, StoreError> {
        let mut size = 0;
        for layer in &image.layers {
            if let Some(key) = self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)? {
                size += self.snapshots.layer(&key)?.size;
            }
        }
        Ok(size)
    }
}

/// When the image says it was created, in nanoseconds since 1970.
pub(crate) fn created_nanoseconds(image: &Image) -> Option<i128> {
    let created: jiff::Timestamp = image.config.created.as_deref()?.parse().ok()?;
    Some(created.as_nanosecond())
}

/// Whether the store works, but what was asked for is lost or damaged.
pub(crate) fn is_damage(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Syntax { .. }
            | StoreError::Invalid { .. }
            | StoreError::Content(
                ContentError::Missing { .. } | ContentError::Digest { .. } | ContentError::TooLarge { .. }
            )
    )
}
