//! What the use cases speak of.

use ids::{Digest, Reference};
use spec::image::{ImageConfig, Platform};

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageLayer {
    /// Digest of its uncompressed tar.
    pub diff_id: Digest,
    /// Its identity together with everything below it.
    pub chain_id: Digest,
}

/// An image that the store holds: enough to run it.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The digest of its configuration.
    pub id: Digest,
    /// The digest of its manifest.
    pub manifest: Digest,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its layers, base first.
    pub layers: Vec<ImageLayer>,
}

impl Image {
    /// What it runs on.
    #[must_use]
    pub fn platform(&self) -> Platform {
        Platform {
            architecture: self.config.architecture.clone(),
            os: self.config.os.clone(),
            variant: self.config.variant.clone(),
            os_version: None,
        }
    }
}

/// An image with all that lists and inspections show.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageInfo {
    /// The image.
    pub image: Image,
    /// Its names with a tag, ordered (Docker's `RepoTags`).
    pub tags: Vec<Reference>,
    /// Its names with a digest, ordered (Docker's `RepoDigests`).
    pub digests: Vec<Reference>,
    /// Sum of the sizes of its unpacked layers in bytes, as Docker counts.
    pub size: u64,
    /// When it was stored, in nanoseconds since 1970.
    pub added: i64,
}

impl ImageInfo {
    /// Whether no name with a tag points at it.
    #[must_use]
    pub fn is_dangling(&self) -> bool {
        self.tags.is_empty()
    }
}

/// `os/architecture[/variant]`.
#[must_use]
pub fn platform_text(platform: &Platform) -> String {
    let variant = platform.variant.as_deref().filter(|variant| !variant.is_empty());
    match variant {
        Some(variant) => format!("{}/{}/{variant}", platform.os, platform.architecture),
        None => format!("{}/{}", platform.os, platform.architecture),
    }
}
