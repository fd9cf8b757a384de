//! The archive crate as its users see it: applying, escaping, copying, and agreeing with GNU tar.
//!
//! `cargo test -p archive --features weakened` builds the crate without its guards; then only the escape tests run,
//! and each of them demands that its attack succeeds.
#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(not(feature = "weakened"))]
mod apply;
#[cfg(not(feature = "weakened"))]
mod copy;
mod escape;
mod forge;
#[cfg(not(feature = "weakened"))]
mod gnu_tar;
#[cfg(not(feature = "weakened"))]
mod read;
mod scratch;
#[cfg(not(feature = "weakened"))]
mod stack;
