//! Unpacked layers and the writable file systems of containers.
//!
//! The `image` crate fills layers ([`Snapshotter::prepare_layer`], [`Snapshotter::commit`]) and asks for a
//! container's file system ([`Snapshotter::prepare`]), which comes back as a plan ([`spec::rootfs::Rootfs`]) that the
//! runtime mounts. [`Overlay`] is the first implementation.
//!
//! ```text
//! <root>/layers/<key>/fs           an unpacked layer, complete and synced, never changed again
//! <root>/layers/<key>/layer.json   LayerMeta
//! <root>/containers/<key>/         upper, work, and `parents`: what lies below
//! <root>/ingest/<random>/          a layer being filled; its writer holds a flock, an unlocked one is a leftover
//! <root>/trash/<random>            taken away by rename, being deleted
//! <root>/empty                     an empty directory, the lowest layer of images without any
//! ```
//!
//! Contract: a layer or container directory appears by rename or in an order that a reader can tell, so whatever
//! step a process is killed at, only `ingest`, `trash` and containers without `parents` are leftovers.

mod error;
mod key;
mod layer;
mod merged;
mod overlay;
mod snapshotter;
mod sync;
mod tree;

use ids::Digest;
use spec::rootfs::Rootfs;

pub use error::SnapshotError;
pub use key::{InvalidKey, LayerKey, SnapshotKey};
pub use layer::{LayerMeta, PendingLayer};
pub use overlay::{Flavour, Overlay};
pub use tree::Usage;

/// Whether what is made must survive a loss of power at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Synced before the call returns.
    Durable,
    /// May vanish with the power, as the container itself (`run --rm`).
    Volatile,
}

/// Keeps layers and container file systems.
pub trait Snapshotter: Send + Sync {
    /// The key of a layer that is unpacked, by the digest of its tar and its chain id (config.md, "Layer ChainID");
    /// `None` when it is not.
    ///
    /// # Errors
    /// When the file system refuses.
    fn find_layer(&self, diff: &Digest, chain: &Digest) -> Result<Option<LayerKey>, SnapshotError>;

    /// The keys that such a layer may have: by its own digest, and by chain id.
    fn layer_keys(&self, diff: &Digest, chain: &Digest) -> [LayerKey; 2];

    /// An empty directory to unpack a layer into, independent of any parent.
    ///
    /// # Errors
    /// When it cannot be made.
    fn prepare_layer(&self) -> Result<PendingLayer, SnapshotError>;

    /// The file system of `parents` (base first), to apply a layer onto whose tar leans on them (implied parent
    /// directories, hard links into lower layers). What is changed there becomes the layer.
    ///
    /// # Errors
    /// When it cannot be made, or a parent is missing.
    fn prepare_layer_over(&self, parents: &[LayerKey]) -> Result<PendingLayer, SnapshotError>;

    /// Publishes filled layers; when this returns, they survive a loss of power. One that somebody else published
    /// meanwhile is thrown away. The keys are in the order of the layers.
    ///
    /// # Errors
    /// When the file system refuses; then some of the layers may be published.
    fn commit(&self, layers: Vec<(PendingLayer, LayerMeta)>) -> Result<Vec<LayerKey>, SnapshotError>;

    /// What was recorded when a layer was unpacked.
    ///
    /// # Errors
    /// [`SnapshotError::MissingLayer`].
    fn layer(&self, key: &LayerKey) -> Result<LayerMeta, SnapshotError>;

    /// All unpacked layers, in no order.
    ///
    /// # Errors
    /// When the file system refuses.
    fn layers(&self) -> Result<Vec<LayerKey>, SnapshotError>;

    /// Takes a layer away (to the trash; see [`empty_trash`](Self::empty_trash)). For sweeps, which hold the content
    /// store's exclusive guard and know that nothing needs it.
    ///
    /// # Errors
    /// When the file system refuses.
    fn remove_layer(&self, key: &LayerKey) -> Result<bool, SnapshotError>;

    /// A writable file system upon `parents` (base first). The caller holds the content store's shared guard, and the
    /// lock of whatever `key` belongs to; what a killed call left under this key is replaced.
    ///
    /// # Errors
    /// [`SnapshotError::Exists`], [`SnapshotError::TooDeep`], or when the file system refuses.
    fn prepare(
        &self,
        key: &SnapshotKey,
        parents: &[LayerKey],
        durability: Durability,
    ) -> Result<Rootfs, SnapshotError>;

    /// The plan of a read-only file system of `parents` (base first); leaves nothing to remove.
    ///
    /// # Errors
    /// [`SnapshotError::TooDeep`], or when the file system refuses.
    fn view(&self, parents: &[LayerKey]) -> Result<Rootfs, SnapshotError>;

    /// The plan that [`prepare`](Self::prepare) gave.
    ///
    /// # Errors
    /// [`SnapshotError::MissingSnapshot`].
    fn rootfs(&self, key: &SnapshotKey) -> Result<Rootfs, SnapshotError>;

    /// The layers below a container's file system, base first.
    ///
    /// # Errors
    /// [`SnapshotError::MissingSnapshot`], also for one whose making was cut short.
    fn parents(&self, key: &SnapshotKey) -> Result<Vec<LayerKey>, SnapshotError>;

    /// The keys of all container file systems, unfinished ones included, in no order.
    ///
    /// # Errors
    /// When the file system refuses.
    fn containers(&self) -> Result<Vec<SnapshotKey>, SnapshotError>;

    /// What a container wrote, in its writable layer.
    ///
    /// # Errors
    /// [`SnapshotError::MissingSnapshot`], or when the file system refuses.
    fn usage(&self, key: &SnapshotKey) -> Result<Usage, SnapshotError>;

    /// What a layer takes on the disk.
    ///
    /// # Errors
    /// [`SnapshotError::MissingLayer`], or when the file system refuses.
    fn layer_usage(&self, key: &LayerKey) -> Result<Usage, SnapshotError>;

    /// Removes a container's file system; whether it was there. It is gone by name at once, before its files are.
    ///
    /// # Errors
    /// When the file system refuses, `EBUSY` included.
    fn remove(&self, key: &SnapshotKey) -> Result<bool, SnapshotError>;

    /// As [`remove`](Self::remove), but its files stay in the trash: for who has no time now.
    ///
    /// # Errors
    /// When the file system refuses.
    fn remove_later(&self, key: &SnapshotKey) -> Result<bool, SnapshotError>;

    /// Deletes what is in the trash; how many entries. May be called by several at once.
    ///
    /// # Errors
    /// When the file system refuses.
    fn empty_trash(&self) -> Result<usize, SnapshotError>;

    /// Paths of unfinished layers whose writers are gone, and of what is in the trash.
    ///
    /// # Errors
    /// When the file system refuses.
    fn leftovers(&self) -> Result<Vec<std::path::PathBuf>, SnapshotError>;

    /// Deletes [`leftovers`](Self::leftovers); how many.
    ///
    /// # Errors
    /// When the file system refuses.
    fn sweep_leftovers(&self) -> Result<usize, SnapshotError>;
}
