//! The black-box harness: drives the built programs as a user does, and counts what they leave behind.
//!
//! Used by the suites in `tests/suite` alone. A test calls [`isolated`], which runs its body in namespaces of its own
//! (processes, mounts, network) with a [`Sampan`] that has a data root and an exec root of its own; when the body is
//! done, every container is removed and a [`census`] of processes, mounts, links, rules, control groups and files must
//! be empty. So tests run in parallel, beside other people's containers, and leave nothing even when they fail.
//!
//! The limits: root is needed; the program under test is `SAMPAN_BIN`, else `target/dist/sampan`, and is not built
//! here (`cargo xtask dist` does that).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub mod catalog;
pub mod census;
pub mod container;
pub mod fixture;
pub mod invocation;
pub mod isolation;
pub mod normalise;
pub mod paths;
pub mod patience;
pub mod registry;
pub mod report;
pub mod sampan;
#[cfg(test)]
mod scripts;
pub mod skip;
pub mod small_image;
pub mod strace;
pub mod terminal;
pub mod tls;
pub mod tour;

pub use container::eventually;
pub use invocation::{Invocation, Outcome};
pub use isolation::isolated;
pub use sampan::Sampan;
pub use terminal::Terminal;
