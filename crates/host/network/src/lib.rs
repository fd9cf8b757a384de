//! Bridges, endpoints, published ports and addresses on this host.
//!
//! Called by the monitor (attach, publish, unpublish) and by the engine (bridges, planning, repair). The engine
//! plans values ([`BridgeNetwork`], [`EndpointConfig`], [`PortMapping`]) and stores them; the functions here turn
//! them into kernel objects. All of it is synchronous, speaks netlink directly and starts no program.
//!
//! Every object made here carries the [`ids::InstanceId`] in its name (interfaces by [`names`], the nf_tables table
//! `sampan-<instance>`), so that instances on one host do not meet and what is ours can be found after a
//! crash. Choosing subnets, addresses and ports is pure ([`ipam`]); who asks must hold the host-wide lock.
//!
//! Limits: IPv4 only for now; an IPv6 publish address is refused by name.

pub mod dns;
pub mod ipam;
pub mod names;
pub mod resolv_conf;

mod bridge;
mod endpoint;
mod firewall;
mod foreign;
mod host_resolver;
mod inventory;
mod mac;
mod model;
mod publish;
mod sockets;
mod subnet;

pub use bridge::{BridgeError, ensure_bridge, remove_bridge};
pub use endpoint::{
    AttachError, Attached, attach_endpoint, attach_endpoint_through, configure_loopback, detach_endpoint,
    set_default_route,
};
pub use foreign::{ForeignDrop, ForeignError, close_foreign, foreign_drops, open_foreign};
pub use host_resolver::host_resolver;
pub use inventory::{LinkRole, OwnedLink, link_exists, list_links, routes_in_use};
pub use mac::{InvalidMac, MacAddr};
pub use model::{BridgeNetwork, EndpointConfig, PortMapping, Protocol, gateway_endpoint};
pub use publish::{
    Holder, PublishError, Published, PublishedPorts, StaleConnections, StaleError, UnpublishError, Withdrawn,
    adopt, end_connections, end_stale_connections, is_stale, list_published, list_stale_connections, publish,
    unpublish, unpublish_address, withdraw,
};
pub use sockets::{EnterError, NamespaceSocket, NetworkSockets, OpenError};
pub use subnet::{InvalidSubnet, Ipv4Subnet};
