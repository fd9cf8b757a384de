//! Images: what a person imports, loads, pulls, names, lists and removes, and what a container stands on.
//!
//! [`Images`] combines the content store (blobs), the snapshotter (unpacked layers) and the index of names, and has
//! one method per use case, each in a file of its own. The engine calls it; it knows nothing of running.
//!
//! Contract: manifests, configurations and layers are kept as received and are found by digest. A name points only
//! at an image that is complete. Layers are unpacked when an image is stored, or at the latest by
//! [`Images::prepare`]. Whatever step a process is killed at, what it leaves is unreferenced, is listed by
//! [`Images::check`] and goes with the next sweep.
//!
//! Limits: a document is at most 4 MiB, an image has at most 499 layers; layers are tar, plain or compressed with
//! gzip or zstd.

mod apply;
mod chain;
mod changes;
mod check;
mod commit;
mod compression;
mod document;
mod embedded;
mod error;
mod get;
mod history;
mod images;
mod import;
mod ingest;
mod layer;
mod list;
mod load;
mod model;
mod platform;
mod progress;
mod prune;
mod pull;
mod push;
mod remove;
mod save;
mod stream;
mod sweep;
mod tag;
mod unpack;
mod usage;

pub use apply::ApplyError;
pub use changes::ChangeError;
pub use check::{CheckReport, Missing, Orphan};
pub use commit::CommitOptions;
pub use compression::{UnsupportedCompression, decompressed};
pub use embedded::{EMBEDDED_REFERENCE, EmbeddedError};
pub use error::StoreError;
pub use get::GetError;
pub use history::HistoryStep;
pub use images::{Images, Limits};
pub use import::{ImportError, ImportOptions};
pub use load::{LoadError, Loaded};
pub use model::{Image, ImageInfo, ImageLayer, platform_text};
pub use platform::{InvalidPlatform, host_platform, parse_platform};
pub use progress::{Progress, Silent, Step};
pub use prune::{PruneScope, Pruned};
pub use pull::{PullError, PullOptions, PullPolicy, PullStatus, Pulled};
pub use push::{PushError, PushOptions, PushProgress, PushStep, Pushed};
pub use remove::{Force, ImageUse, RemoveError, Removed};
pub use save::SaveError;
pub use stream::UnpackedTooLarge;
pub use tag::TagError;
pub use unpack::UnpackError;
pub use usage::{ImageUsage, StoreUsage};

const _: () = assert!(!archive::IS_WEAKENED, "an archive without its guards is for its own tests alone");
