//! Concrete host ports, decided at each start.
//!
//! The index remembers who publishes what; a row is in force only while its container's monitor lives. Ports that
//! other programs hold are found by binding them for a moment; the monitor's own bind has the last word.

use super::HostLock;
use crate::Engine;
use crate::containers::observe;
use crate::containers::operation::{Liveness, Operation};
use crate::documents::{self, FileError};
use crate::plan::RequestedPort;
use ids::ContainerId;
use monitor::desired::NetworkPlan;
use monitor::layout::{ContainerDirectories, exec};
use network::ipam::{EPHEMERAL_PORTS, next_port};
use network::{NetworkSockets, PortMapping, Protocol};
use state::{PortRow, StateError};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

/// Why ports could not be chosen.
#[derive(Debug, thiserror::Error)]
pub enum PortsError {
    /// Another container publishes it. The beginning is Docker's.
    #[error("Bind for {address}:{port}/{protocol} failed: port is already allocated by container {by}")]
    Allocated {
        /// Host address.
        address: IpAddr,
        /// Host port.
        port: u16,
        /// Transport.
        protocol: Protocol,
        /// Who has it.
        by: String,
    },
    /// None is free in the range.
    #[error("no free host port in {first}-{last} on {address} for {protocol}")]
    RangeUsed {
        /// First of the range.
        first: u16,
        /// Last of the range.
        last: u16,
        /// Host address.
        address: IpAddr,
        /// Transport.
        protocol: Protocol,
    },
    /// The host's lock.
    #[error(transparent)]
    File(#[from] FileError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Engine {
    /// Chooses host ports for a container that is about to start, and records them. The caller holds its locks.
    pub(crate) fn choose_ports(
        &self,
        id: &ContainerId,
        requested: &[RequestedPort],
    ) -> Result<Vec<PortMapping>, PortsError> {
        let context = self.context();
        // Two instances must not choose the same free port.
        let _lock = HostLock::take(&context.roots.exec, context.euid)?;
        let mut taken = self.ports_in_force(id)?;
        let mut chosen = Vec::with_capacity(requested.len());
        for port in requested {
            let host_port = match port.choice {
                Some((first, last)) if first == last => {
                    if let Some(row) = taken.iter().find(|row| collides(row, port, first)) {
                        return Err(self.allocated(port, first, row));
                    }
                    first
                }
                choice => free_port(port, choice, &taken)?,
            };
            taken.push(PortRow {
                container: id.clone(),
                protocol: port.protocol,
                host_ip: port.host_ip,
                first: host_port,
                last: host_port,
            });
            chosen.push(PortMapping {
                protocol: port.protocol,
                host_ip: port.host_ip,
                host_port,
                host_port_end: host_port,
                container_port: port.container_port,
            });
        }
        self.database()?
            .write(state::Durability::Process, |writer| writer.replace_ports(id, &chosen))
            .map_err(|error: StateError| PortsError::State(error))?;
        Ok(chosen)
    }

    /// What a killed monitor left of the chosen ports is taken back, unless somebody is at it. What then still stands in
    /// the way the new monitor finds when it publishes.
    pub(crate) fn free_lost_ports(
        &self,
        own: &ContainerId,
        chosen: &[PortMapping],
    ) -> Result<(), StateError> {
        let rows = self.database()?.read(|reader| reader.ports())?;
        let wanted = |row: &PortRow| {
            chosen.iter().any(|port| {
                row.protocol == port.protocol && row.first <= port.host_port_end && port.host_port <= row.last
            })
        };
        let others: BTreeSet<_> = rows
            .into_iter()
            .filter(|row| row.container != *own && wanted(row))
            .map(|row| row.container)
            .collect();
        for id in others {
            let directories = self.directories(&id);
            let lost = observe::observe(&directories).needs_recovery();
            // Two that wait for each other's containers would wait for ever.
            if !lost || Operation::is_held(&directories) {
                continue;
            }
            if let Ok(held) = self.hold(id.as_str()) {
                let _ = self.settle(&held.directories);
            }
        }
        Ok(())
    }

    /// Ends what is left of the connections to a container that goes, if its monitor was killed before it had. Best
    /// effort: the next user of the address, or `system check --repair`, does it otherwise.
    pub(crate) fn end_lost_connections(&self, directories: &ContainerDirectories) {
        let Ok(Some(desired)) = documents::read_desired(directories) else { return };
        let NetworkPlan::Bridge { endpoints, .. } = desired.network else { return };
        let notes = self.context().roots.exec.join(exec::STALE_CONNECTIONS);
        for address in endpoints.iter().map(|endpoint| endpoint.address) {
            if network::is_stale(&notes, address)
                && let Ok(sockets) = NetworkSockets::open(&self.context().instance)
            {
                let _ = network::end_stale_connections(&notes, &sockets, address);
            }
        }
    }

    /// Rows of other containers whose monitors live.
    fn ports_in_force(&self, own: &ContainerId) -> Result<Vec<PortRow>, StateError> {
        let mut rows = self.database()?.read(|reader| reader.ports())?;
        rows.retain(|row| row.container != *own && Liveness::is_held(&self.directories(&row.container)));
        Ok(rows)
    }

    fn allocated(&self, port: &RequestedPort, host_port: u16, row: &PortRow) -> PortsError {
        let known = self.reread_container(&row.container).ok().flatten();
        PortsError::Allocated {
            address: port.host_ip,
            port: host_port,
            protocol: port.protocol,
            by: known.map_or_else(|| row.container.short().to_owned(), |other| other.name.to_string()),
        }
    }
}

fn collides(row: &PortRow, port: &RequestedPort, host_port: u16) -> bool {
    let same_address =
        row.host_ip == port.host_ip || row.host_ip.is_unspecified() || port.host_ip.is_unspecified();
    row.protocol == port.protocol && same_address && (row.first..=row.last).contains(&host_port)
}

fn free_port(port: &RequestedPort, choice: Option<(u16, u16)>, taken: &[PortRow]) -> Result<u16, PortsError> {
    let range = choice.map_or(EPHEMERAL_PORTS, |(first, last)| first..=last);
    // A start that differs from one container to the next keeps a just-freed port out of use.
    let last = match choice {
        None => taken.iter().map(|row| row.last).filter(|last| range.contains(last)).max(),
        Some(_) => None,
    };
    let is_used = |number: u16| {
        taken.iter().any(|row| collides(row, port, number)) || !can_bind(port.protocol, port.host_ip, number)
    };
    next_port(&range, last, is_used).ok_or(PortsError::RangeUsed {
        first: *range.start(),
        last: *range.end(),
        address: port.host_ip,
        protocol: port.protocol,
    })
}

fn can_bind(protocol: Protocol, address: IpAddr, port: u16) -> bool {
    let place = SocketAddr::new(address, port);
    match protocol {
        Protocol::Tcp => TcpListener::bind(place).is_ok(),
        Protocol::Udp => UdpSocket::bind(place).is_ok(),
    }
}
