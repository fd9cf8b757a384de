//! Finding an image by what a person typed.

use crate::error::StoreError;
use crate::images::Images;
use crate::model::{Image, ImageInfo};
use crate::{chain, document};
use content::{ImageRecord, NameRecord, ReferenceStoreError};
use ids::{Digest, Reference, ReferenceError};

/// An image could not be had from the store.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// There is none of that name or id.
    #[error("No such image: {name}")]
    NotFound {
        /// The name, normalised as Docker shows it, or the id as typed.
        name: String,
    },
    /// Several ids begin so.
    #[error("{prefix} is the beginning of {count} image ids; type more of it")]
    Ambiguous {
        /// What was typed.
        prefix: String,
        /// How many ids begin so.
        count: usize,
    },
    /// It is neither an id nor a valid name.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReferenceStoreError> for GetError {
    fn from(error: ReferenceStoreError) -> Self {
        Self::Store(error.into())
    }
}

/// What a person meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A name.
    Name(NameRecord),
    /// An id, or the beginning of one.
    Id(ImageRecord),
}

impl Found {
    pub(crate) fn id(&self) -> &Digest {
        match self {
            Self::Name(record) => &record.id,
            Self::Id(record) => &record.id,
        }
    }

    pub(crate) fn target(&self) -> &Digest {
        match self {
            Self::Name(record) => &record.target,
            Self::Id(record) => &record.target,
        }
    }
}

impl Images {
    /// The image of that name, id or beginning of an id; a name wins over the beginning of an id, as with Docker.
    ///
    /// # Errors
    /// [`GetError::NotFound`], [`GetError::Ambiguous`], or when the store fails.
    pub fn get(&self, name: &str) -> Result<Image, GetError> {
        let found = self.resolve(name)?;
        Ok(self.read_image(found.id(), found.target())?)
    }

    /// The image with all that an inspection shows.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn inspect(&self, name: &str) -> Result<ImageInfo, GetError> {
        let found = self.resolve(name)?;
        let image = self.read_image(found.id(), found.target())?;
        let names = self.names.names_of(&self.namespace, &image.id)?;
        let added = match &found {
            Found::Id(record) => record.added,
            Found::Name(_) => self.names.image(&self.namespace, &image.id)?.map_or(0, |record| record.added),
        };
        Ok(self.describe(image, &names, added)?)
    }

    pub(crate) fn read_image(&self, id: &Digest, manifest: &Digest) -> Result<Image, StoreError> {
        let config = document::config(&self.content, id)?;
        let layers = chain::layers(&config.rootfs.diff_ids);
        Ok(Image { id: id.clone(), manifest: manifest.clone(), config, layers })
    }

    pub(crate) fn resolve(&self, typed: &str) -> Result<Found, GetError> {
        let hex = typed.strip_prefix("sha256:").unwrap_or(typed);
        let is_hex =
            (1..=64).contains(&hex.len()) && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let not_found = |name: String| GetError::NotFound { name };
        if is_hex && hex.len() == 64 {
            let id = Digest::parse(&format!("sha256:{hex}")).map_err(ReferenceError::from)?;
            let found = self.names.image(&self.namespace, &id)?;
            return found.map(Found::Id).ok_or_else(|| not_found(typed.to_owned()));
        }
        let reference = Reference::parse(typed);
        if let Ok(reference) = &reference
            && let Some(record) = self.names.name(&self.namespace, &stored_form(reference)?)?
        {
            return Ok(Found::Name(record));
        }
        if is_hex {
            let mut found = self.names.images(Some(&self.namespace))?;
            found.retain(|record| record.id.hex().starts_with(hex));
            match (found.len(), found.pop()) {
                (1, Some(record)) => return Ok(Found::Id(record)),
                (0, _) => {}
                (count, _) => return Err(GetError::Ambiguous { prefix: typed.to_owned(), count }),
            }
        }
        match reference {
            Ok(reference) => Err(not_found(reference.familiar())),
            Err(_) if is_hex => Err(not_found(typed.to_owned())),
            Err(error) => Err(error.into()),
        }
    }
}

/// A name is stored with its tag or with its digest; with both, the digest decides.
pub(crate) fn stored_form(reference: &Reference) -> Result<Reference, ReferenceError> {
    match (reference.tag(), reference.digest()) {
        (Some(_), Some(digest)) => Reference::parse(&format!("{}@{digest}", reference.name())),
        _ => Ok(reference.clone()),
    }
}
