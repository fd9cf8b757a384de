//! Giving an image another name.

use crate::get::{Found, GetError};
use crate::images::Images;
use content::{Change, NameRecord, ReferenceStoreError};
use ids::Reference;

/// A name could not be given.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// The image could not be had.
    #[error(transparent)]
    Get(#[from] GetError),
    /// Only registries give names with digests.
    #[error("refusing to create a tag with a digest reference")]
    Digest,
    /// The index could not be changed.
    #[error(transparent)]
    Names(#[from] ReferenceStoreError),
}

impl Images {
    /// Lets `target` mean the image `source`; a name that meant another image moves.
    ///
    /// # Errors
    /// When there is no such image, `target` has a digest, or the index cannot be changed.
    pub fn tag(&self, source: &str, target: &Reference) -> Result<(), TagError> {
        if target.digest().is_some() {
            return Err(TagError::Digest);
        }
        // No sweep may take the image between the look and the name.
        let _guard = self.content.guard_shared().map_err(|error| GetError::Store(error.into()))?;
        let found = self.resolve(source)?;
        let (Found::Name(NameRecord { id, target: manifest, .. })
        | Found::Id(content::ImageRecord { id, target: manifest, .. })) = found;
        let record =
            NameRecord { namespace: self.namespace.clone(), reference: target.clone(), id, target: manifest };
        Ok(self.names.apply(&[Change::PutName(record)])?)
    }
}
