//! The index: names, records and leases of an instance, in SQLite.
//!
//! The engine alone calls it; monitors never open it. [`Database::read`] gives a consistent view, [`Database::write`]
//! one transaction. Every process of the host may have it open at once: writers queue on a file lock (so nobody
//! sleeps and retries), readers wait for nobody.
//!
//! Contract: after SIGKILL at any moment nothing committed is lost. After a loss of power what was written with
//! [`Durability::Power`] survives, with everything before it; later commits of [`Durability::Process`] may be gone,
//! never torn.
//!
//! Limits: a local file system (WAL needs shared memory); a handle must not be used by a forked child.

mod containers;
mod database;
mod error;
mod images;
mod leases;
mod networks;
mod ports;
mod schema;
mod volumes;

pub use containers::{ContainerRow, Inserted, NewContainer, Renamed};
pub use database::{Database, Durability, Reader, Writer};
pub use error::StateError;
pub use networks::NetworkRow;
pub use ports::PortRow;
pub use volumes::VolumeRow;
