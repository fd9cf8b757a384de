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

pub mod ipam;
pub mod names;
pub mod resolv_conf;

mod mac;
mod model;
mod subnet;

pub use mac::{InvalidMac, MacAddr};
pub use model::{BridgeNetwork, EndpointConfig, PortMapping, Protocol};
pub use subnet::{InvalidSubnet, Ipv4Subnet};
