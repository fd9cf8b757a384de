//! Translation of the engine's views into Docker's words, in files named for their direction.

pub(crate) mod from_engine_container;
