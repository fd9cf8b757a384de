//! Translation of the engine's views into Docker's words, in files named for their direction.

pub(crate) mod from_engine_container;
pub(crate) mod from_engine_event;
pub(crate) mod from_engine_image;
pub(crate) mod from_engine_network;
pub(crate) mod from_engine_system;
pub(crate) mod from_engine_volume;
