//! Why a container gets no network.

use crate::containers::LookupError;
use crate::documents::FileError;
use ids::{ContainerId, NetworkName};
use network::resolv_conf::InvalidSetting;
use network::{InvalidMac, InvalidSubnet, Ipv4Subnet};
use state::StateError;
use std::net::Ipv4Addr;

/// A network cannot be had or used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// None of that name. The words are Docker's.
    #[error("network {name} not found")]
    NotFound {
        /// The name.
        name: NetworkName,
    },
    /// All addresses are taken.
    #[error("no available addresses in network {name} ({subnet}): remove containers that are not needed")]
    Exhausted {
        /// The network.
        name: NetworkName,
        /// Its addresses.
        subnet: Ipv4Subnet,
    },
    /// The address that was asked for is taken or not of the network.
    #[error("address {address} is not available in network {name} ({subnet})")]
    AddressTaken {
        /// The address.
        address: Ipv4Addr,
        /// The network.
        name: NetworkName,
        /// Its addresses.
        subnet: Ipv4Subnet,
    },
    /// Fixed addresses belong to networks whose subnet the user chose. The words are Docker's.
    #[error(
        "user specified IP address is supported only when connecting to networks with user configured subnets"
    )]
    FixedAddress,
    /// Other names belong to networks with name resolution. The words are Docker's.
    #[error("network-scoped alias is supported only for containers in user defined networks")]
    Alias,
    /// Every block overlaps something of the host.
    #[error(
        "no free subnet for the default network: all address pools overlap the host's routes; set default-address-pools in the host file"
    )]
    NoSubnet,
    /// The host's network could not be asked.
    #[error("cannot look at the host's network")]
    Host(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A pool of the host file.
    #[error(transparent)]
    Subnet(#[from] InvalidSubnet),
    /// Not a hardware address.
    #[error(transparent)]
    Mac(#[from] InvalidMac),
    /// A setting of `--add-host`, `--dns` and so on.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// The container whose network is to be shared.
    #[error(transparent)]
    Lookup(Box<LookupError>),
    /// It shares a third one's.
    #[error("cannot join the network of container {id}: it shares another container's")]
    Shared {
        /// Which.
        id: ContainerId,
    },
    /// The record of a network cannot be understood.
    #[error("the record of network {name} cannot be understood")]
    Record {
        /// Which.
        name: NetworkName,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
}
