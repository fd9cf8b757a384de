//! What the engine is asked and what it answers, as plain data.
//!
//! These are the engine's own words: doors translate theirs (command line, Docker's API, CRI) into them and back.
//! [`ContainerConfig`] is also what a container's record keeps, so its shape is versioned with the record.

mod config;
mod view;

pub use config::*;
pub use view::*;
