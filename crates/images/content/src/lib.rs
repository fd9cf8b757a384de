//! Blobs by digest, and the seam to the index of image names.
//!
//! [`ContentStore`] keeps manifests, configurations and layers below one directory, each in a file named by its
//! digest, the bytes exactly as they were received. A blob appears only complete, verified and synced, by rename.
//! The images floor writes and reads here; the `state` crate implements [`ReferenceStore`] in its database.
//!
//! ```text
//! <root>/blobs/<algorithm>/<hex>   complete blobs, read-only
//! <root>/ingest/<random>           being written; its writer holds an OFD lock, an unlocked one is a leftover
//! <root>/partial/<algorithm>-<hex> being transferred, or what a broken transfer left for the next one to go on with
//! <root>/leases/<random>           what a running operation still needs; locked likewise
//! <root>/lock                      flock: shared while relying on what exists, exclusive while sweeping
//! ```
//!
//! Limits: local file systems with rename and flock; no network file system promises.

mod digester;
mod error;
mod guard;
mod lease;
mod names;
mod partial;
mod store;
mod tail;
mod writer;

pub use digester::Digester;
pub use error::ContentError;
pub use guard::Guard;
pub use lease::{Lease, Leased};
pub use names::{Change, ImageRecord, NameRecord, ReferenceStore, ReferenceStoreError};
pub use partial::Claimed;
pub use store::{BlobInfo, ContentStore};
pub use tail::{Tail, TransferEnded};
pub use writer::{BlobWriter, Stored};
