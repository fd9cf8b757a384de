//! System call filters: from a document to a program of the kernel's.
//!
//! The parent of a launch calls [`Program::default_for`], [`Program::compile`] or, for what a cache holds,
//! [`Program::from_bytes`]; the child calls [`Program::install`] as its last step but exec. The engine reads Docker's
//! profile files with [`docker_profile::Profile`].
//!
//! The compiler is our own: no C library, every architecture that the kernel runs (on x86-64 also 32-bit x86 and
//! x32), calls that the profile is too old to know answered with ENOSYS, and some tens of microseconds per filter.
//! Its meaning is that of libseccomp as runc uses it, and the tests compare the two.
//!
//! Limits: x86 and Arm. Handing the listener to an agent is the caller's part.

mod arch;
mod assemble;
mod capabilities;
mod default_profile;
pub mod docker_profile;
mod error;
mod filter;
mod multiplex;
mod numbers;
mod program;

pub use arch::Arch;
pub use capabilities::CapabilitySet;
pub use default_profile::default_profile;
pub use error::{CacheError, CompileError};
pub use program::{COMPILER_VERSION, Program, Report};

#[cfg(test)]
mod tests;
