//! What `system check` looks for on networks: links, ports, names and addresses.

use super::check::{CheckError, Findings, ProblemKind};
use super::orphans::{names, network_error};
use crate::Engine;
use crate::containers::operation::Operation;
use crate::documents::{self, FileError};
use crate::networks::lock;
use ids::EndpointId;
use monitor::desired::NetworkPlan;
use monitor::layout::exec;
use network::{
    LinkRole, NetworkSockets, detach_endpoint, end_stale_connections, list_links, list_published,
    list_stale_connections, unpublish_address,
};
use std::collections::{BTreeSet, HashSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// How long the kernel may take to delete the pairs of containers that were just released.
const LINK_PATIENCE: Duration = Duration::from_millis(500);

impl Engine {
    /// Interfaces and published ports that belong to no container with a monitor, bridges that belong to no network.
    pub(super) fn check_links(&self, findings: &mut Findings) -> Result<(), CheckError> {
        let sockets = NetworkSockets::open(&self.context().instance).map_err(network_error)?;
        let (mut links, mut addresses) = (HashSet::new(), HashSet::new());
        for container in self.all_containers()? {
            let directories = self.directories(&container.id);
            if !self.is_owned(&container.id) {
                continue;
            }
            if let Some(NetworkPlan::Bridge { endpoints, .. }) =
                documents::read_desired(&directories)?.map(|desired| desired.network)
            {
                links.extend(endpoints.iter().map(|endpoint| endpoint.host_ifname.clone()));
                addresses.extend(endpoints.iter().map(|endpoint| endpoint.address));
            }
        }
        for network in self.unrecorded_bridges(&sockets)? {
            findings.add(ProblemKind::OrphanLink, network.clone(), "", || {
                detach_endpoint(&sockets, &network).map_err(network_error)
            });
        }
        for name in orphaned_links(&sockets, &links)? {
            findings.add(ProblemKind::OrphanLink, name.clone(), "", || {
                detach_endpoint(&sockets, &name).map_err(network_error)
            });
        }
        let published = list_published(&sockets).map_err(network_error)?;
        self.check_connections(&sockets, findings)?;
        let orphans: BTreeSet<Ipv4Addr> =
            published.iter().map(|one| one.container_ip).filter(|ip| !addresses.contains(ip)).collect();
        for address in orphans {
            let ports = published.iter().filter(|one| one.container_ip == address);
            let detail = ports.map(|one| one.mapping.to_string()).collect::<Vec<_>>().join(", ");
            findings.add(ProblemKind::OrphanPort, address.to_string(), detail, || {
                unpublish_address(&sockets, address).map(drop).map_err(network_error)
            });
        }
        Ok(())
    }

    /// Notes of monitors that were killed before they had ended the connections through the ports that they withdrew.
    fn check_connections(&self, sockets: &NetworkSockets, findings: &mut Findings) -> Result<(), CheckError> {
        let directory = self.context().roots.exec.join(exec::STALE_CONNECTIONS);
        let stale = list_stale_connections(&directory).map_err(FileError::of("read", &directory))?;
        for address in stale {
            findings.add(ProblemKind::StaleConnections, address.to_string(), "", || {
                end_stale_connections(&directory, sockets, address).map(drop).map_err(network_error)
            });
        }
        Ok(())
    }

    /// Bridges of ours that belong to no recorded network.
    fn unrecorded_bridges(&self, sockets: &NetworkSockets) -> Result<Vec<String>, CheckError> {
        // The links first: a network is recorded before its bridge is made.
        let links = list_links(sockets).map_err(network_error)?;
        let recorded = self.recorded_networks().map_err(network_error)?;
        let known: HashSet<&str> = recorded.iter().map(|(_, record)| record.bridge.bridge.as_str()).collect();
        let bridges =
            links.iter().filter(|link| link.role == LinkRole::Bridge).map(|link| link.name.as_str());
        Ok(bridges.filter(|name| !known.contains(name)).map(str::to_owned).collect())
    }

    /// Directories and locks of networks that are gone, and names in them of endpoints that no container has.
    pub(super) fn check_names(&self, findings: &mut Findings) -> Result<(), CheckError> {
        let root = lock::directory(&self.context().roots.exec);
        let mut published = Vec::new();
        let found = names(&root)?;
        for name in found.iter().filter(|name| !name.ends_with(".lock")) {
            let entries = names(&root.join(name))?.into_iter();
            published.extend(entries.map(|entry| (name.clone(), entry)));
        }
        let recorded = self.recorded_networks().map_err(network_error)?;
        let known: HashSet<&str> = recorded.iter().map(|(_, record)| record.bridge.id.as_str()).collect();
        for name in found.iter().filter(|name| !known.contains(name.trim_end_matches(".lock"))) {
            let path = root.join(name);
            findings.add(ProblemKind::Leftover, path.display().to_string(), "", || {
                if name.ends_with(".lock") {
                    documents::remove_file(&path)
                } else {
                    documents::remove_directory(&path)
                }
            });
        }
        let owned = self.owned_endpoints()?;
        let orphan = |entry: &str| {
            let id = entry.trim_start_matches('.').trim_end_matches(".tmp");
            EndpointId::parse(id).is_ok_and(|id| !owned.contains(&id))
        };
        let orphans =
            published.iter().filter(|(network, entry)| known.contains(network.as_str()) && orphan(entry));
        for (network, entry) in orphans {
            let path = root.join(network).join(entry);
            findings.add(ProblemKind::OrphanName, path.display().to_string(), "", || {
                documents::remove_file(&path)
            });
        }
        Ok(())
    }

    /// Endpoints of containers whose kernel objects are somebody's.
    fn owned_endpoints(&self) -> Result<HashSet<EndpointId>, CheckError> {
        let mut owned = HashSet::new();
        for container in self.all_containers()? {
            if !self.is_owned(&container.id) {
                continue;
            }
            owned.extend(container.record.endpoints);
            let desired = documents::read_desired(&self.directories(&container.id))?;
            if let Some(NetworkPlan::Bridge { endpoints, .. }) = desired.map(|desired| desired.network) {
                owned.extend(endpoints.into_iter().map(|endpoint| endpoint.id));
            }
        }
        Ok(owned)
    }

    /// Addresses that are held for no container.
    pub(super) fn check_leases(&self, findings: &mut Findings) -> Result<(), CheckError> {
        // The leases first: one that is claimed meanwhile is not seen, and its container is.
        let database = self.database()?;
        let mut leases = Vec::new();
        for network in database.read(|reader| reader.networks())? {
            leases.extend(database.read(|reader| reader.leases(&network.id))?);
        }
        let holders = self.lease_holders()?;
        for lease in leases.into_iter().filter(|lease| !holders.contains(&lease.owner)) {
            findings.add(ProblemKind::OrphanLease, lease.address.to_string(), "", || {
                database.write(state::Durability::Process, |writer| writer.release_lease(&lease.owner))
            });
        }
        Ok(())
    }

    /// Endpoints that may hold addresses: those of the containers' documents, which count, and of the records of
    /// containers that somebody is at.
    fn lease_holders(&self) -> Result<HashSet<EndpointId>, CheckError> {
        let mut holders = HashSet::new();
        for container in self.all_containers()? {
            let directories = self.directories(&container.id);
            let busy = Operation::is_held(&directories);
            match documents::read_desired(&directories)?.map(|desired| desired.network) {
                Some(NetworkPlan::Bridge { endpoints, .. }) if !busy => {
                    holders.extend(endpoints.into_iter().map(|endpoint| endpoint.id));
                }
                Some(_) if !busy => {}
                _ => holders.extend(container.record.endpoints),
            }
        }
        Ok(holders)
    }
}

/// Ends of endpoints that belong to no container. The kernel takes the end of a released container's pair away in the
/// background, so one counts only if it stays.
fn orphaned_links(sockets: &NetworkSockets, known: &HashSet<String>) -> Result<Vec<String>, CheckError> {
    let look = || {
        let links = list_links(sockets).map_err(network_error)?;
        let ours = links.into_iter().filter(|link| link.role == LinkRole::Endpoint).map(|link| link.name);
        Ok::<Vec<String>, CheckError>(ours.filter(|name| !known.contains(name)).collect())
    };
    let began = Instant::now();
    let mut found = look()?;
    while !found.is_empty() && began.elapsed() < LINK_PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
        let still: HashSet<String> = look()?.into_iter().collect();
        found.retain(|name| still.contains(name));
    }
    Ok(found)
}
