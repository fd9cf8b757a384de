//! What the engine plans and stores, and the monitor carries out: plain values without behaviour.

use crate::{Ipv4Subnet, MacAddr};
use ids::{EndpointId, NetworkId, NetworkName};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// A network whose members share one bridge of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeNetwork {
    /// The network's identity.
    pub id: NetworkId,
    /// What people call it.
    pub name: NetworkName,
    /// The bridge's interface name, at most 15 bytes (`IFNAMSIZ` less the terminator); see [`crate::names`].
    pub bridge: String,
    /// The addresses of the network.
    pub subnet: Ipv4Subnet,
    /// The bridge's own address, inside `subnet`; the members' default route unless the network is internal.
    pub gateway: Ipv4Addr,
    /// Bytes per packet on the bridge and on every endpoint.
    pub mtu: u32,
    /// No way out of the network and no published ports (`--internal`).
    pub internal: bool,
    /// Whether members reach each other directly (`com.docker.network.bridge.enable_icc`).
    pub icc: bool,
    /// Whether traffic that leaves the host gets the host's address
    /// (`com.docker.network.bridge.enable_ip_masquerade`).
    pub masquerade: bool,
    /// Whether members find each other by name, through a resolver of their own: true for networks that a user made.
    #[serde(default)]
    pub resolves_names: bool,
}

/// One sandbox on one network: planned by the engine, kept in `desired.json`, made by the monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointConfig {
    /// The endpoint's identity.
    pub id: EndpointId,
    /// The network as it was when the endpoint was planned.
    pub network: BridgeNetwork,
    /// The address inside the network.
    pub address: Ipv4Addr,
    /// The prefix that the interface gets with the address; the network's own.
    pub prefix_len: u8,
    /// The interface's hardware address; Docker derives it from the address ([`MacAddr::from_ipv4`]), so that a
    /// reused address never meets a stale neighbour entry.
    pub mac: MacAddr,
    /// The host's end of the veth pair, at most 15 bytes; see [`crate::names::endpoint_link`].
    pub host_ifname: String,
    /// The container's end, usually `eth0`.
    pub container_ifname: String,
    /// Further names under which other members find this one, besides those that every container has.
    pub aliases: Vec<String>,
    /// Which network's gateway is the default route: the highest, then the first by name (`--gw-priority`).
    #[serde(default)]
    pub gateway_priority: i64,
    /// The user chose the address.
    #[serde(default)]
    pub is_fixed: bool,
    /// Names that this container alone has for others: `other:alias` (`--link`).
    #[serde(default)]
    pub links: Vec<String>,
}

/// The endpoint whose gateway is the sandbox's default route, and to which published ports lead: the highest priority,
/// then the first by the network's name, among networks with a way out.
#[must_use]
pub fn gateway_endpoint(endpoints: &[EndpointConfig]) -> Option<&EndpointConfig> {
    let rank = |endpoint: &&EndpointConfig| {
        (std::cmp::Reverse(endpoint.gateway_priority), endpoint.network.name.to_string())
    };
    endpoints.iter().filter(|endpoint| !endpoint.network.internal).min_by_key(rank)
}

/// The transport that a port belongs to. SCTP is refused where ports are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Stream (RFC 9293).
    Tcp,
    /// Datagram (RFC 768).
    Udp,
}

impl Protocol {
    /// The number in the IP header (`IPPROTO_TCP`, `IPPROTO_UDP`).
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    /// The protocol with that number, if it is one of ours.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            _ => None,
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// Host ports that lead to a container's. Concrete: whatever had to be chosen has been chosen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PortMapping {
    /// The transport.
    pub protocol: Protocol,
    /// The host's address to answer on; the unspecified address means every one of them.
    pub host_ip: IpAddr,
    /// The first host port.
    pub host_port: u16,
    /// The last host port; equal to `host_port` for a single one.
    pub host_port_end: u16,
    /// The container's port for `host_port`; the others follow one by one.
    pub container_port: u16,
}

impl PortMapping {
    /// Whether the mapping is a single port and not a range.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.host_port == self.host_port_end
    }
}

impl std::fmt::Display for PortMapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let container_end =
            u32::from(self.container_port) + u32::from(self.host_port_end.saturating_sub(self.host_port));
        match self.host_ip {
            IpAddr::V4(ip) => write!(f, "{ip}:")?,
            IpAddr::V6(ip) => write!(f, "[{ip}]:")?,
        }
        if self.is_single() {
            write!(f, "{}->{}/{}", self.host_port, self.container_port, self.protocol)
        } else {
            let (first, last) = (self.host_port, self.host_port_end);
            write!(f, "{first}-{last}->{}-{container_end}/{}", self.container_port, self.protocol)
        }
    }
}
