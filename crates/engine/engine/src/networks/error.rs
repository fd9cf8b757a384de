//! Why a network cannot be had or changed.

use crate::containers::{LaunchError, LookupError};
use crate::documents::FileError;
use ids::{ContainerId, ContainerName, NetworkName};
use monitor::client::ClientError;
use network::resolv_conf::InvalidSetting;
use network::{InvalidMac, InvalidSubnet, Ipv4Subnet};
use state::StateError;
use std::net::Ipv4Addr;

/// A network cannot be had or used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// None of that name or id. The words are Docker's.
    #[error("network {query} not found")]
    NotFound {
        /// What was typed.
        query: String,
    },
    /// More than one id begins so. The words are Docker's.
    #[error("network {query} is ambiguous (more than one id begins so)")]
    Ambiguous {
        /// What was typed.
        query: String,
    },
    /// The name is taken. The words are Docker's.
    #[error("network with name {name} already exists")]
    Exists {
        /// The name.
        name: NetworkName,
    },
    /// It cannot be removed. The words are Docker's.
    #[error("{name} is a pre-defined network and cannot be removed")]
    Predefined {
        /// Its name.
        name: String,
    },
    /// Containers are on it. The words are Docker's.
    #[error("error while removing network: network {name} has active endpoints ({members})")]
    InUse {
        /// Its name.
        name: NetworkName,
        /// Who.
        members: String,
    },
    /// There is one already. The words are Docker's.
    #[error("only one instance of \"{driver}\" network is allowed")]
    OnlyOne {
        /// The driver.
        driver: String,
    },
    /// No such driver.
    #[error("plugin \"{driver}\" not found: use the bridge driver")]
    Driver {
        /// As given.
        driver: String,
    },
    /// An option that has no effect here.
    #[error("network option {key} is not supported")]
    Option {
        /// As given.
        key: String,
    },
    /// An option's value.
    #[error("invalid value {value:?} for network option {key}")]
    OptionValue {
        /// The option.
        key: String,
        /// As given.
        value: String,
    },
    /// Another network has part of the subnet. The beginning is Docker's.
    #[error(
        "invalid pool request: Pool overlaps with other one on this address space: {subnet} and network {by} ({theirs})"
    )]
    Overlap {
        /// What was asked.
        subnet: Ipv4Subnet,
        /// The other network.
        by: NetworkName,
        /// Its addresses.
        theirs: Ipv4Subnet,
    },
    /// An address of the network that is not in its subnet.
    #[error("invalid {what} {text}: it is not within subnet {subnet}")]
    OutOfSubnet {
        /// What was asked.
        what: &'static str,
        /// As given.
        text: String,
        /// The subnet.
        subnet: Ipv4Subnet,
    },
    /// The interface's name is taken.
    #[error("interface {bridge} exists already: choose another com.docker.network.bridge.name")]
    BridgeTaken {
        /// The name.
        bridge: String,
    },
    /// Its bridge.
    #[error(transparent)]
    Bridge(Box<network::BridgeError>),
    /// The address that was asked for is of another network. The words are Docker's.
    #[error("invalid config for network {network}: no configured subnet contains IP address {address}")]
    AddressElsewhere {
        /// The address.
        address: Ipv4Addr,
        /// The network.
        network: NetworkName,
    },
    /// The same network is named twice.
    #[error("network {name} is named more than once")]
    Twice {
        /// Its name.
        name: NetworkName,
    },
    /// Networks that do not go together. The words are Docker's.
    #[error(
        "conflicting options: cannot attach both user-defined and non-user-defined network-modes (host, none, container)"
    )]
    Exclusive,
    /// The container has no network. The words are Docker's.
    #[error(
        "container cannot be connected to multiple networks with one of the networks in private (none) mode"
    )]
    Private,
    /// The container shares somebody else's network. The words are Docker's.
    #[error(
        "container sharing network namespace with another container or host cannot be connected to any other network"
    )]
    Sharing,
    /// It is on the network already. The words are Docker's.
    #[error("endpoint with name {container} already exists in network {network}")]
    Connected {
        /// The container.
        container: ContainerName,
        /// The network.
        network: NetworkName,
    },
    /// It is not on the network. The words are Docker's.
    #[error("container {container} is not connected to network {network}")]
    NotConnected {
        /// The container.
        container: ContainerId,
        /// The network.
        network: NetworkName,
    },
    /// Not a link. The words are Docker's.
    #[error("bad format for links: {text}")]
    Link {
        /// As given.
        text: String,
    },
    /// The other is not on the default network.
    #[error("cannot link to {name}, which is not on the default network: use a network of your own")]
    LinkElsewhere {
        /// The other.
        name: String,
    },
    /// The monitor does not put the container on the network.
    #[error("{message}")]
    Refused {
        /// The monitor's line.
        message: String,
    },
    /// The container's monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A lost monitor could not be replaced.
    #[error(transparent)]
    Launch(Box<LaunchError>),
    /// The container was never finished.
    #[error("container {id} is not complete: remove it")]
    Incomplete {
        /// Which.
        id: ContainerId,
    },
    /// The container's record.
    #[error("cannot write the record of the container")]
    ContainerRecord(#[source] serde_json::Error),
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
