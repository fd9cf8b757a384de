//! Choosing addresses, subnets and ports: pure functions, and the trait of whoever remembers the choices.
//!
//! Nothing here asks the kernel or takes a lock. Two instances on one host must not choose at the same time: the
//! engine calls these under the host-wide lock and stores the answer before it lets go.

mod address;
mod lease;
mod pool;
mod port;

pub use address::next_address;
pub use lease::{Choose, Lease, LeaseStore};
pub use pool::{DEFAULT_POOLS, Pool, free_subnet};
pub use port::{EPHEMERAL_PORTS, next_port, next_port_range};
