//! Publishing container ports on the host: elements of the maps in [`crate::firewall`], and bound sockets that keep
//! the host's ports from everybody else.
//!
//! A single port is held by a socket that is bound but does not listen: whoever else wants the port is told at once
//! (and we are, when somebody has it), while a connection that the packet filter for some reason does not translate
//! is refused and does not hang. Ranges that keep their numbers are one interval: their ports are checked but not
//! held, so that they are safe from our own containers, not from a program that comes later.

mod element;
mod hold;
mod holder;
mod stale;
mod withdraw;

pub use holder::Holder;
pub use stale::{StaleConnections, StaleError, end_stale_connections, is_stale, list_stale_connections};
pub use withdraw::{UnpublishError, Withdrawn, end_connections, unpublish, unpublish_address, withdraw};

use crate::{BridgeNetwork, NetworkSockets, PortMapping, Protocol, firewall};
use element::Entry;
use kernel::netlink::NetlinkError;
use kernel::netlink::conntrack::{self, Filter};
use kernel::nft::{NftError, Transaction, query};
use rustix::io::Errno;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::OwnedFd;

/// Ports could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Somebody has the port.
    #[error("host port {host_ip}:{port}/{protocol} is already in use by {holder}")]
    InUse {
        /// The host address that was asked for.
        host_ip: Ipv4Addr,
        /// The first port that is taken.
        port: u16,
        /// Its protocol.
        protocol: Protocol,
        /// Who has it.
        holder: Holder,
    },
    /// The address is not one of the host's.
    #[error("cannot publish on {host_ip}: no interface of this host has that address")]
    NotLocal {
        /// The address.
        host_ip: Ipv4Addr,
    },
    /// Publishing on IPv6 addresses is not there yet.
    #[error("cannot publish on {host_ip}: only IPv4 host addresses are supported")]
    Ipv6 {
        /// The address.
        host_ip: IpAddr,
    },
    /// The mapping makes no sense.
    #[error("invalid port mapping {mapping}: {rule}")]
    Invalid {
        /// The mapping.
        mapping: PortMapping,
        /// The rule it breaks, in words.
        rule: &'static str,
    },
    /// Two mappings of one call meet.
    #[error("port mapping {mapping} overlaps another one of the same container")]
    Overlap {
        /// The later one.
        mapping: PortMapping,
    },
    /// The network has no way in or out.
    #[error("cannot publish ports of internal network {network}")]
    Internal {
        /// The network's name.
        network: String,
    },
    /// The port could not be bound for another reason.
    #[error("cannot bind host port {host_ip}:{port}/{protocol}")]
    Bind {
        /// The host address.
        host_ip: Ipv4Addr,
        /// The port.
        port: u16,
        /// Its protocol.
        protocol: Protocol,
        /// Why not.
        #[source]
        source: Errno,
    },
    /// The packet filter could not be written.
    #[error("cannot change the port maps of nf_tables table {table}")]
    Rules {
        /// The table.
        table: String,
        /// Why not.
        #[source]
        source: NftError,
    },
}

/// Ports that lead to a container for as long as this is kept; given back with [`unpublish`].
///
/// Dropping it gives the host's ports to whoever binds them, but not the map entries: that is right for a monitor
/// that hands over to its successor, and for a process that is killed (see [`adopt`]).
#[derive(Debug)]
#[must_use]
pub struct PublishedPorts {
    container_ip: Ipv4Addr,
    mappings: Vec<PortMapping>,
    held: Vec<OwnedFd>,
}

impl PublishedPorts {
    /// What is published.
    #[must_use]
    pub fn mappings(&self) -> &[PortMapping] {
        &self.mappings
    }

    /// Where it leads.
    #[must_use]
    pub fn container_ip(&self) -> Ipv4Addr {
        self.container_ip
    }

    /// The sockets that hold the host's ports, for handing over.
    #[must_use]
    pub fn held(&self) -> &[OwnedFd] {
        &self.held
    }
}

/// Publishes the mappings for the container at `container_ip`, all or none, in one transaction. Must be called in
/// the host's network namespace, where the ports are bound.
///
/// # Errors
/// See [`PublishError`].
pub fn publish(
    sockets: &NetworkSockets,
    container_ip: Ipv4Addr,
    network: &BridgeNetwork,
    mappings: &[PortMapping],
) -> Result<PublishedPorts, PublishError> {
    write(sockets, container_ip, network, mappings, true)
}

/// As [`publish`], where the entries may be there already: for the successor of a monitor that died, and after
/// somebody flushed the rules.
///
/// # Errors
/// See [`PublishError`].
pub fn adopt(
    sockets: &NetworkSockets,
    container_ip: Ipv4Addr,
    network: &BridgeNetwork,
    mappings: &[PortMapping],
) -> Result<PublishedPorts, PublishError> {
    write(sockets, container_ip, network, mappings, false)
}

fn write(
    sockets: &NetworkSockets,
    container_ip: Ipv4Addr,
    network: &BridgeNetwork,
    mappings: &[PortMapping],
    must_be_new: bool,
) -> Result<PublishedPorts, PublishError> {
    if mappings.is_empty() {
        return Ok(PublishedPorts { container_ip, mappings: Vec::new(), held: Vec::new() });
    }
    let entries = check(network, mappings)?;
    let own = if must_be_new { None } else { Some(container_ip) };
    let held = hold_all(sockets, &entries, own)?;
    let mut transaction = Transaction::new(firewall::FAMILY, &sockets.table);
    for (map, elements) in element::by_map(&entries, container_ip) {
        if must_be_new {
            transaction.add_new_elements(map, &elements);
        } else {
            transaction.add_elements(map, &elements);
        }
    }
    transaction
        .commit(&sockets.netfilter)
        .map_err(|source| explain(sockets, &entries, container_ip, source))?;
    refuse_overlaps(sockets, &entries, container_ip)?;
    // The worst that a failure leaves is a client that has to pause half a minute.
    let _ = forget_stale(sockets, &entries);
    Ok(PublishedPorts { container_ip, mappings: mappings.to_vec(), held })
}

/// Flows that clients hold on to would go on bypassing the new entries. Only UDP has such: a TCP client begins anew
/// with a SYN. Those of containers that reach out to the same port elsewhere are spared.
fn forget_stale(sockets: &NetworkSockets, entries: &[Entry]) -> Result<(), NetlinkError> {
    for entry in entries.iter().filter(|entry| entry.protocol == Protocol::Udp) {
        let protocol = entry.protocol.number();
        let filter = match entry.is_single() {
            true => Filter::ToPort { protocol, port: entry.first },
            false => Filter::Protocol(protocol),
        };
        conntrack::flush(&sockets.netfilter, filter, |flow| {
            let reaches_out = flow.source_translated && !flow.destination_translated;
            (entry.first..=entry.last).contains(&flow.sent_to_port) && !reaches_out
        })?;
    }
    Ok(())
}

fn check(network: &BridgeNetwork, mappings: &[PortMapping]) -> Result<Vec<Entry>, PublishError> {
    if network.internal {
        return Err(PublishError::Internal { network: network.name.to_string() });
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(mappings.len());
    for mapping in mappings {
        let entry = Entry::new(mapping)?;
        if entries.iter().any(|earlier| earlier.overlaps(&entry)) {
            return Err(PublishError::Overlap { mapping: mapping.clone() });
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Binds every port: keeps the single ones, lets go of those of intervals.
fn hold_all(
    sockets: &NetworkSockets,
    entries: &[Entry],
    own: Option<Ipv4Addr>,
) -> Result<Vec<OwnedFd>, PublishError> {
    let mut held = Vec::with_capacity(entries.len());
    for entry in entries {
        let (host_ip, protocol) = (entry.host_ip, entry.protocol);
        for port in entry.first..=entry.last {
            let socket = hold::hold(protocol, host_ip, port).map_err(|source| match source {
                Errno::ADDRINUSE => {
                    let holder = holder::find(sockets, protocol, host_ip, port, own);
                    PublishError::InUse { host_ip, port, protocol, holder }
                }
                Errno::ADDRNOTAVAIL => PublishError::NotLocal { host_ip },
                source => PublishError::Bind { host_ip, port, protocol, source },
            })?;
            held.extend(entry.is_held().then_some(socket));
        }
    }
    Ok(held)
}

/// Why the maps refused: usually a port that one of our containers has and no socket holds (a range, or the monitor
/// died and the container lives).
fn explain(sockets: &NetworkSockets, entries: &[Entry], own: Ipv4Addr, source: NftError) -> PublishError {
    let published = list_published(sockets).unwrap_or_default();
    overlap(entries, &published, own)
        .unwrap_or_else(|| PublishError::Rules { table: sockets.table.clone(), source })
}

/// Single ports and ranges are in different maps, and neither refuses what overlaps the other. Looking after having
/// written, and not before, leaves no gap: of two who write at once, the later sees the earlier.
fn refuse_overlaps(sockets: &NetworkSockets, entries: &[Entry], own: Ipv4Addr) -> Result<(), PublishError> {
    let rules = |source| PublishError::Rules { table: sockets.table.clone(), source };
    let has_range = entries.iter().any(|entry| !entry.is_single());
    let maps: &[&str] = if has_range { &element::MAPS } else { &[firewall::RANGES] };
    let error = match list_maps(sockets, maps) {
        Ok(published) => overlap(entries, &published, own),
        Err(source) => Some(rules(source)),
    };
    let Some(error) = error else { return Ok(()) };
    // The first error is the one to report; what stays is found by its address.
    let _ = withdraw::delete_elements(sockets, own, entries);
    Err(error)
}

fn overlap(entries: &[Entry], published: &[Published], own: Ipv4Addr) -> Option<PublishError> {
    let others = published.iter().filter(|published| published.container_ip != own);
    others
        .filter_map(|published| Some((published.container_ip, Entry::new(&published.mapping).ok()?)))
        .find_map(|(container_ip, theirs)| {
            let ours = entries.iter().find(|ours| ours.overlaps(&theirs))?;
            let port = ours.first.max(theirs.first);
            let holder = Holder::Container(container_ip);
            Some(PublishError::InUse { host_ip: ours.host_ip, port, protocol: ours.protocol, holder })
        })
}

/// A published port as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Where it leads.
    pub container_ip: Ipv4Addr,
    /// What leads there. A range whose ports are shifted comes back as single ports.
    pub mapping: PortMapping,
}

/// All that the instance publishes, as the kernel has it.
///
/// # Errors
/// When the maps cannot be read.
pub fn list_published(sockets: &NetworkSockets) -> Result<Vec<Published>, NftError> {
    list_maps(sockets, &element::MAPS)
}

fn list_maps(sockets: &NetworkSockets, maps: &[&str]) -> Result<Vec<Published>, NftError> {
    let mut found = Vec::new();
    for map in maps {
        let elements = query::elements(&sockets.netfilter, firewall::FAMILY, &sockets.table, map)?;
        found.extend(elements.iter().filter_map(|element| element::parse(map, element)));
    }
    Ok(found)
}
