//! Networks of containers: the default bridge, made when it is first needed, those that users make, and each
//! container's part in them.
//!
//! The engine plans and remembers; a sandbox's kernel objects are made by its monitor. Choices that concern the whole
//! host (a free subnet, free ports) are made under one lock that all instances share.

mod attachment;
mod connect;
mod create;
mod default_bridge;
mod error;
mod host_lock;
mod links;
pub(crate) mod lock;
mod planned;
mod publish;
pub(crate) mod record;
mod remove;
mod view;

pub use create::NetworkConfig;
pub use error::NetworkError;
use host_lock::HostLock;
pub(crate) use lock::NetworkLock;
pub use network::{InvalidSubnet, Ipv4Subnet};
pub(crate) use planned::Planned;
pub use publish::PortsError;
pub use view::{NetworkAddresses, NetworkMember, NetworkView};
