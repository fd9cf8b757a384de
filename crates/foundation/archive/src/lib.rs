//! Tar codec, race-free applier and tree copy.
mod entry;
mod guard;
mod header;
mod limits;
mod pax;
mod read_error;
mod reader;
mod sparse;

pub use entry::{Device, Entry, Extent, Kind, Timestamp, Xattr};
pub use limits::Limits;
pub use read_error::{Problem, ReadError};
pub use reader::{Content, TarReader};
