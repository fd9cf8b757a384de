//! The seam to the index of images and their names.
//!
//! Two kinds of records per namespace: an image (by the digest of its configuration), and a name that points at
//! one. An image may have no name (an anonymous import, or a tag that moved on). A name with a tag is what people
//! type; a name with a digest records where the image was pulled from, as Docker does.

use ids::{Digest, Reference};

/// An image that the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRecord {
    /// Whose it is (people's images and those of other interfaces do not collide).
    pub namespace: String,
    /// The digest of the configuration, the image id.
    pub id: Digest,
    /// The manifest that it was stored with.
    pub target: Digest,
    /// When it was stored, in nanoseconds since 1970.
    pub added: i64,
}

/// A name of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRecord {
    /// Whose it is.
    pub namespace: String,
    /// The name, with a tag or with a digest.
    pub reference: Reference,
    /// The image it means.
    pub id: Digest,
    /// The manifest it means.
    pub target: Digest,
}

/// One step of an atomic change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds an image, or replaces `target` and `added` of the one with that id.
    PutImage(ImageRecord),
    /// Adds a name, or moves it.
    PutName(NameRecord),
    /// Removes an image; nothing happens if it is not there. Its names must go in the same change.
    RemoveImage {
        /// Whose.
        namespace: String,
        /// Which.
        id: Digest,
    },
    /// Removes a name; nothing happens if it is not there.
    RemoveName {
        /// Whose.
        namespace: String,
        /// Which.
        reference: Reference,
    },
}

/// The index failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the index of images")]
pub struct ReferenceStoreError {
    /// What was tried, as a verb ("read", "change").
    pub action: &'static str,
    /// Why not.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The index of images and names. Its implementation is durable: when [`apply`](Self::apply) returns, the change
/// survives a crash of the process and a loss of power.
pub trait ReferenceStore: Send + Sync {
    /// The record of one name.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn name(&self, namespace: &str, reference: &Reference)
    -> Result<Option<NameRecord>, ReferenceStoreError>;

    /// The names of one image, ordered by their text.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn names_of(&self, namespace: &str, id: &Digest) -> Result<Vec<NameRecord>, ReferenceStoreError>;

    /// The record of one image.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn image(&self, namespace: &str, id: &Digest) -> Result<Option<ImageRecord>, ReferenceStoreError>;

    /// All names, ordered by their text; of every namespace when none is given.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn names(&self, namespace: Option<&str>) -> Result<Vec<NameRecord>, ReferenceStoreError>;

    /// All images, newest first; of every namespace when none is given.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn images(&self, namespace: Option<&str>) -> Result<Vec<ImageRecord>, ReferenceStoreError>;

    /// Makes all changes or none, in one transaction.
    ///
    /// # Errors
    /// When the index cannot be changed; then nothing was.
    fn apply(&self, changes: &[Change]) -> Result<(), ReferenceStoreError>;
}
