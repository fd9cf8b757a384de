//! Taking ports back: the elements, the sockets, and the connections that came through them.

use super::element::{self, Entry};
use super::{PublishedPorts, list_published};
use crate::{NetworkSockets, firewall};
use kernel::netlink::NetlinkError;
use kernel::netlink::conntrack::{self, Filter, Tracked};
use kernel::nft::{NftError, Transaction};
use rustix::io::Errno;
use std::net::Ipv4Addr;

/// Ports could not be withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum UnpublishError {
    /// The packet filter could not be read or written.
    #[error("cannot change the port maps of nf_tables table {table}")]
    Rules {
        /// The table.
        table: String,
        /// Why not.
        #[source]
        source: NftError,
    },
    /// The connections could not be ended; the ports are withdrawn all the same.
    #[error("cannot end the connections of {address}")]
    Connections {
        /// The container's address.
        address: Ipv4Addr,
        /// Why not.
        #[source]
        source: NetlinkError,
    },
}

/// Ports that lead nowhere any more, with the connections that came through them; see [`end_connections`].
#[derive(Debug)]
#[must_use]
pub struct Withdrawn {
    container_ip: Ipv4Addr,
    entries: Vec<Entry>,
}

/// Withdraws the ports and ends the connections that came through them: [`withdraw`] and [`end_connections`].
///
/// # Errors
/// See [`UnpublishError`].
pub fn unpublish(sockets: &NetworkSockets, ports: PublishedPorts) -> Result<(), UnpublishError> {
    end_connections(sockets, &withdraw(sockets, ports)?)
}

/// Withdraws the ports: the entries in one transaction and then the sockets, so that nobody gets a port that still
/// leads here. Some tens of microseconds; connections that exist go on until [`end_connections`].
///
/// # Errors
/// See [`UnpublishError`].
pub fn withdraw(sockets: &NetworkSockets, ports: PublishedPorts) -> Result<Withdrawn, UnpublishError> {
    let PublishedPorts { container_ip, mappings, held } = ports;
    let entries: Vec<_> = mappings.iter().filter_map(|mapping| Entry::new(mapping).ok()).collect();
    let removed = delete_elements(sockets, container_ip, &entries);
    drop(held);
    removed.map(|()| Withdrawn { container_ip, entries })
}

/// Makes the kernel forget the connections that came through ports, so that their clients are not led to whoever gets
/// the container's address next.
///
/// The kernel walks its whole table of connections for it, whatever is in it: about 9 ms with the 262,144 buckets of
/// a host with some memory. So: after whoever waits was answered, but before the address is given out again.
///
/// # Errors
/// See [`UnpublishError`].
pub fn end_connections(sockets: &NetworkSockets, withdrawn: &Withdrawn) -> Result<(), UnpublishError> {
    if withdrawn.entries.is_empty() {
        return Ok(());
    }
    let address = withdrawn.container_ip;
    let came_through = |flow: &Tracked| {
        let leads =
            |entry: &Entry| entry.protocol.number() == flow.protocol && entry.leads_to(flow.answering_port);
        withdrawn.entries.iter().any(leads)
    };
    conntrack::flush(&sockets.netfilter, Filter::AnsweredBy(address), came_through)
        .map(drop)
        .map_err(|source| UnpublishError::Connections { address, source })
}

/// Withdraws everything that leads to an address, for repair: where nobody is left who holds a [`PublishedPorts`].
/// Says how many entries there were.
///
/// # Errors
/// See [`UnpublishError`].
pub fn unpublish_address(sockets: &NetworkSockets, container_ip: Ipv4Addr) -> Result<usize, UnpublishError> {
    let rules = |source| UnpublishError::Rules { table: sockets.table.clone(), source };
    let entries: Vec<_> = list_published(sockets)
        .map_err(rules)?
        .iter()
        .filter(|published| published.container_ip == container_ip)
        .filter_map(|published| Entry::new(&published.mapping).ok())
        .collect();
    delete_elements(sockets, container_ip, &entries)?;
    conntrack::flush(&sockets.netfilter, Filter::AnsweredBy(container_ip), |_| true)
        .map_err(|source| UnpublishError::Connections { address: container_ip, source })?;
    Ok(entries.len())
}

pub(super) fn delete_elements(
    sockets: &NetworkSockets,
    container_ip: Ipv4Addr,
    entries: &[Entry],
) -> Result<(), UnpublishError> {
    let rules = |source| UnpublishError::Rules { table: sockets.table.clone(), source };
    let by_map = element::by_map(entries, container_ip);
    let mut transaction = Transaction::new(firewall::FAMILY, &sockets.table);
    for (map, elements) in &by_map {
        transaction.delete_elements(map, elements);
    }
    match transaction.commit(&sockets.netfilter) {
        Err(error) if error.errno() == Some(Errno::NOENT) => {}
        other => return other.map_err(rules),
    }
    // Somebody removed one of them, or the table: the others go one by one.
    for (map, elements) in &by_map {
        for element in elements {
            let mut transaction = Transaction::new(firewall::FAMILY, &sockets.table);
            transaction.delete_elements(map, std::slice::from_ref(element));
            match transaction.commit(&sockets.netfilter) {
                Err(error) if error.errno() == Some(Errno::NOENT) => {}
                other => other.map_err(rules)?,
            }
        }
    }
    Ok(())
}
