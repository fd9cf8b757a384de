//! Networks of containers: the default bridge, made when it is first needed, and each container's part in one.
//!
//! The engine plans and remembers; the kernel's objects are made by monitors. Choices that concern the whole host
//! (a free subnet, free ports) are made under one lock that all instances share.

mod default_bridge;
mod error;
mod host_lock;
mod planned;
mod publish;

pub use error::NetworkError;
use host_lock::HostLock;
pub(crate) use planned::Planned;
pub use publish::PortsError;
