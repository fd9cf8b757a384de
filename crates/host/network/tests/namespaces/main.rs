//! The network crate against the real kernel, in network namespaces of its own: every test makes a "host", an
//! "outside" beyond it and as many "containers" as it needs, and real traffic goes between them. Needs root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bridges;
mod endpoints;
mod foreign;
mod ports;
mod timing;
mod world;
