//! What `cp` makes of a source and a destination: Docker's arithmetic of paths, and the local side of a copy.
//!
//! [`paths`] decides, without touching anything, which directory an archive is extracted in and what its entries are
//! called; [`local`] looks at the caller's own files, reads and writes them.

pub(crate) mod local;
pub(crate) mod paths;
