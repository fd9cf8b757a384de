//! Tar codec, race-free applier and tree copy.
//!
//! Who calls it: image unpacking and `commit` (layers), `save` and `load`, `cp`, `export`, volumes. It knows bytes
//! and directories, nothing of images. The contract of each part stands in its module; common to all: archives and
//! trees are hostile, so that every path goes by descriptor and every size and count has a bound ([`Limits`]).

mod apply;
mod assemble;
mod attributes;
mod copy;
mod entry;
mod fs_error;
mod fuzz;
mod guard;
mod header;
mod limits;
mod lower;
mod name;
mod node;
mod pax;
mod read_error;
mod reader;
mod remove;
mod sparse;
mod tree;
mod writer;

pub use apply::{
    Applied, ApplyError, ApplyOptions, Devices, MapIds, MissingHardLink, OverlayXattr, Ownership, Refusal,
    SkippedXattr, Whiteouts, apply_layer,
};
pub use copy::{Copied, CopyOptions, copy_tree};
pub use entry::{Device, Entry, Extent, Kind, Timestamp, Xattr};
pub use fs_error::FsError;
pub use fuzz::fuzz_reader;
pub use limits::Limits;
pub use read_error::{Problem, ReadError};
pub use reader::{Content, TarReader};
pub use remove::remove_tree;
pub use tree::{TreeOptions, Written, append_object, append_tree, write_tree};
pub use writer::{TarWriter, WriteError};

/// Whether this build is without its guards, for the escape tests; no program may be made of one.
pub const IS_WEAKENED: bool = cfg!(feature = "weakened");
