//! The process that owns a sandbox, the protocol it speaks, and the facts it leaves.
//!
//! Two sides share this crate. The engine writes a [`desired`] document, starts a monitor and talks to it through
//! [`client`]; it reads [`facts`] and derives a container's [`status`] from them and from locks, and never touches a
//! kernel object of a container. The monitor ([`main`]) is one small single-threaded process per sandbox: parent of
//! the container's processes, holder of their stdio, writer of log and facts.
//!
//! Limits: the monitor opens no database and knows nothing of images. What parses hostile bytes stays outside it.

pub mod client;
pub mod clock;
pub mod desired;
pub mod events;
pub mod facts;
pub mod layout;
pub mod log;
pub mod protocol;
pub mod sample;
pub mod shm;
pub mod status;

mod servant;
mod server;

pub use servant::main as resolve;
pub use server::main;

const _: () = assert!(!runtime::IS_WEAKENED, "a runtime that can be weakened is for its own tests alone");
