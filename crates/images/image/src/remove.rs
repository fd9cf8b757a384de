//! Removing names and images, with Docker's rules about what is in use.

use crate::error::StoreError;
use crate::get::{Found, GetError};
use crate::images::Images;
use crate::model::Image;
use content::{Change, NameRecord, ReferenceStoreError};
use ids::{Digest, Reference};
use std::fmt;

/// What happened, in Docker's words and order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name is gone.
    Untagged(Reference),
    /// An image (by its id) or a layer (by its chain id) is gone.
    Deleted(Digest),
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untagged(reference) => write!(f, "Untagged: {}", reference.familiar()),
            Self::Deleted(digest) => write!(f, "Deleted: {digest}"),
        }
    }
}

/// A container that was made from an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// The image.
    pub image: Digest,
    /// The container's id as shown to people (twelve digits).
    pub container: String,
    /// Whether it runs (or is paused or restarting).
    pub running: bool,
}

/// Whether to remove what is named several times or used by stopped containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Refuse.
    No,
    /// Remove.
    Yes,
}

/// An image or name could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// It could not be had.
    #[error(transparent)]
    Get(#[from] GetError),
    /// Its last name is in use.
    #[error(
        "conflict: unable to remove repository reference \"{name}\" (must force) - container {container} is using its referenced image {image}"
    )]
    NameInUse {
        /// The name as typed.
        name: String,
        /// The container's short id.
        container: String,
        /// The image's short id.
        image: String,
    },
    /// A container that runs uses it.
    #[error(
        "conflict: unable to delete {image} (cannot be forced) - image is being used by running container {container}"
    )]
    Running {
        /// The image's short id.
        image: String,
        /// The container's short id.
        container: String,
    },
    /// A container that does not run uses it.
    #[error(
        "conflict: unable to delete {image} (must be forced) - image is being used by stopped container {container}"
    )]
    Stopped {
        /// The image's short id.
        image: String,
        /// The container's short id.
        container: String,
    },
    /// It was named by id and has names in several repositories, or several tags.
    #[error(
        "conflict: unable to delete {image} (must be forced) - image is referenced in multiple repositories"
    )]
    SeveralNames {
        /// The image's short id.
        image: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReferenceStoreError> for RemoveError {
    fn from(error: ReferenceStoreError) -> Self {
        Self::Store(error.into())
    }
}

impl Images {
    /// Removes a name, and the image with its last name; or an image by its id. `uses` are the containers of all
    /// images.
    ///
    /// # Errors
    /// When there is no such image, it is in use, or the store fails.
    pub fn remove(&self, name: &str, force: Force, uses: &[ImageUse]) -> Result<Vec<Removed>, RemoveError> {
        // By it, `recover` knows should we be killed between the names and the files.
        let _lease = self.begin()?;
        let found = self.resolve(name)?;
        let id = found.id().clone();
        let uses: Vec<&ImageUse> = uses.iter().filter(|one| one.image == id).collect();
        let names = self.names.names_of(&self.namespace, &id)?;
        let (gone, kept) = match &found {
            Found::Name(record) => {
                if let (true, Force::No, Some(one)) = (in_one_repository(&names), force, uses.first()) {
                    let (container, image) = (one.container.clone(), id.short().to_owned());
                    return Err(RemoveError::NameInUse { name: name.to_owned(), container, image });
                }
                names_that_go(names, record)
            }
            Found::Id(_) => {
                check_uses(&id, force, &uses)?;
                if force == Force::No && !in_one_repository(&names) {
                    return Err(RemoveError::SeveralNames { image: id.short().to_owned() });
                }
                (names, Vec::new())
            }
        };
        // A name may go although containers use the image; the image then stays, without a name.
        let image_goes = kept.is_empty() && check_uses(&id, force, &uses).is_ok();
        self.remove_records(&id, found.target(), &gone, image_goes)
    }

    fn remove_records(
        &self,
        id: &Digest,
        target: &Digest,
        names: &[NameRecord],
        image_goes: bool,
    ) -> Result<Vec<Removed>, RemoveError> {
        let namespace = &self.namespace;
        let mut changes: Vec<Change> = names
            .iter()
            .map(|name| Change::RemoveName {
                namespace: namespace.clone(),
                reference: name.reference.clone(),
            })
            .collect();
        let mut removed: Vec<Removed> =
            names.iter().map(|name| Removed::Untagged(name.reference.clone())).collect();
        if image_goes {
            // What is damaged must be removable, so its layers are told only if they can be read.
            let image = self.read_image(id, target).ok();
            changes.push(Change::RemoveImage { namespace: namespace.clone(), id: id.clone() });
            self.names.apply(&changes)?;
            removed.push(Removed::Deleted(id.clone()));
            removed.extend(self.sweep_layers_of(image.as_ref())?);
        } else {
            self.names.apply(&changes)?;
        }
        Ok(removed)
    }

    /// Sweeps, and tells which layers of the image went, topmost first.
    pub(crate) fn sweep_layers_of(&self, image: Option<&Image>) -> Result<Vec<Removed>, StoreError> {
        let mut keyed = Vec::new();
        for layer in image.into_iter().flat_map(|image| image.layers.iter().rev()) {
            if let Some(key) = self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)? {
                keyed.push((key, layer.chain_id.clone()));
            }
        }
        let swept = self.sweep()?;
        Ok(keyed
            .into_iter()
            .filter(|(key, _)| swept.layers.contains(key))
            .map(|(_, chain)| Removed::Deleted(chain))
            .collect())
    }
}

/// The name, and the names with a digest in its repository once no tag is left there; then what stays.
fn names_that_go(names: Vec<NameRecord>, record: &NameRecord) -> (Vec<NameRecord>, Vec<NameRecord>) {
    let repository = record.reference.name();
    let same = |name: &NameRecord| name.reference.name() == repository;
    let tag_left = names
        .iter()
        .any(|name| same(name) && name.reference != record.reference && name.reference.digest().is_none());
    let digests_go = record.reference.digest().is_none() && !tag_left;
    let (mut gone, kept): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| {
        name.reference == record.reference || (digests_go && same(name) && name.reference.digest().is_some())
    });
    // The one that was asked for comes first.
    gone.sort_by_key(|name| name.reference != record.reference);
    (gone, kept)
}

/// At most one tag, and all names within one repository.
fn in_one_repository(names: &[NameRecord]) -> bool {
    let tags = names.iter().filter(|name| name.reference.digest().is_none()).count();
    tags <= 1 && names.windows(2).all(|pair| pair[0].reference.name() == pair[1].reference.name())
}

fn check_uses(id: &Digest, force: Force, uses: &[&ImageUse]) -> Result<(), RemoveError> {
    let image = || id.short().to_owned();
    if let Some(one) = uses.iter().find(|one| one.running) {
        return Err(RemoveError::Running { image: image(), container: one.container.clone() });
    }
    match (force, uses.first()) {
        (Force::No, Some(one)) => {
            Err(RemoveError::Stopped { image: image(), container: one.container.clone() })
        }
        _ => Ok(()),
    }
}
