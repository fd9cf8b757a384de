//! The engine in this process as [`Client`](super::Client). `to_engine_*` translate Docker's words into its own,
//! `from_engine_*` its views into Docker's words.

mod containers;
mod create;
mod files;
pub(crate) mod from_engine_container;
mod from_engine_event;
pub(crate) mod from_engine_image;
mod from_engine_network;
mod from_engine_sample;
pub(crate) mod from_engine_system;
mod from_engine_volume;
mod images;
mod list_containers;
mod networks;
mod processes;
mod stream;
mod system;
mod to_engine_create;
mod to_engine_mounts;
mod top;
mod volumes;

use crate::failure::Failure;
use engine::{Engine, LookupError};
use std::cell::OnceCell;
use std::error::Error;

/// The engine in this process.
pub(crate) struct Local {
    engine: Engine,
    capacity: OnceCell<from_engine_sample::Capacity>,
}

impl Local {
    /// Speaks for this engine.
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, capacity: OnceCell::new() }
    }

    /// The engine itself.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn failed<E: Error + 'static>(error: E) -> Failure {
    Failure::of(&error)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_looked_up(error: LookupError) -> Failure {
    Failure { missing: matches!(error, LookupError::NotFound { .. }), ..Failure::of(&error) }
}
