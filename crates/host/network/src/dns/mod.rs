//! Names of containers on user-made networks: what a resolver needs, without a process around it.
//!
//! Each sandbox publishes its own endpoint as one file in the network's directory ([`publish`], [`withdraw`]); a
//! resolver reads the directories of the networks that it serves ([`Directory`]). The wire format ([`message`]) and the
//! decision what to answer ([`decide`]) are pure. [`listen`] makes the sockets inside a sandbox and leads port 53 of
//! [`ADDRESS`] to them.
//!
//! Called by the monitor and by its servant, which runs the loop. Limits: IPv4 addresses only; no zone transfers, no
//! updates, no DNSSEC of our own names. Questions about other names are forwarded as the bytes that came.

pub mod message;

mod decide;
mod directory;
mod listen;
mod table;

pub use decide::{Decision, decide};
pub use directory::{
    Directory, DirectoryError, NAMES_MAX, PublishedEndpoint, open_directory, publish, withdraw,
};
pub use listen::{ADDRESS, ListenError, Listeners, listen};
pub use table::{NameTable, Network};
