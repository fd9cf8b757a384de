//! The sandbox's place on its networks.

use super::super::isolation::{Failure, ResolverPlace, chain};
use super::{Kind, ProcessIsolation};
use crate::desired::{Desired, NetworkPlan};
use crate::protocol::FailureKind;
use network::{
    EndpointConfig, NamespaceSocket, NetworkSockets, PortMapping, PublishError, PublishedPorts,
    StaleConnections, dns, gateway_endpoint,
};
use std::os::fd::BorrowedFd;

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::host(error)
}

/// Endpoints and ports of a plan; none where the sandbox has no bridge.
fn parts(network: &NetworkPlan) -> (&[EndpointConfig], &[PortMapping]) {
    match network {
        NetworkPlan::Bridge { endpoints, ports, .. } => (endpoints, ports),
        _ => (&[], &[]),
    }
}

impl ProcessIsolation {
    pub(super) fn set_up_network(&mut self, desired: &Desired) -> Result<(), Failure> {
        let (Some(sockets), Some(namespace)) = (&self.sockets, self.namespace(Kind::Network)) else {
            return Ok(());
        };
        let inside = NamespaceSocket::enter(sockets, namespace).map_err(|error| failed(&error))?;
        let (endpoints, ports) = parts(&desired.network);
        if endpoints.is_empty() {
            network::configure_loopback(&inside).map_err(|error| failed(&error))?;
        }
        let gateway = gateway_endpoint(endpoints);
        let mut warnings = Vec::new();
        for endpoint in endpoints {
            let is_gateway = gateway == Some(endpoint);
            network::end_stale_connections(&self.stale_directory(), sockets, endpoint.address)
                .map_err(|error| failed(&error))?;
            warnings.extend(attach(sockets, endpoint, namespace, &inside, is_gateway)?);
        }
        if let Some(gateway) = gateway {
            self.published = Some(publish(sockets, gateway, ports)?);
        }
        self.warnings = warnings;
        Ok(())
    }

    /// Takes over the ports of a dead monitor; those of a container that is gone too are only to be withdrawn.
    pub(super) fn adopt_ports(&mut self, desired: &Desired, runs: bool) -> Result<(), Failure> {
        let NetworkPlan::Bridge { endpoints, ports, .. } = &desired.network else { return Ok(()) };
        let sockets = NetworkSockets::open(&self.instance).map_err(|error| failed(&error))?;
        match gateway_endpoint(endpoints) {
            // A port that somebody else took meanwhile is theirs; the container goes on.
            Some(gateway) if runs => {
                self.published = network::adopt(&sockets, gateway.address, &gateway.network, ports).ok();
            }
            gateway => self.orphaned = gateway.map(|gateway| gateway.address),
        }
        self.sockets = Some(sockets);
        Ok(())
    }

    /// Takes the ports back, and notes first that their connections are still to be ended.
    pub(super) fn withdraw_ports(&mut self) -> Option<String> {
        let sockets = self.sockets.as_ref()?;
        if let Some(address) = self.orphaned.take() {
            let withdrawn = network::unpublish_address(sockets, address);
            let ended = network::end_stale_connections(&self.stale_directory(), sockets, address);
            return match (withdrawn, ended) {
                (Err(error), _) => Some(chain(&error)),
                (_, Err(error)) => Some(chain(&error)),
                _ => None,
            };
        }
        let published = self.published.take()?;
        if published.mappings().is_empty() {
            return None;
        }
        let note = StaleConnections::note(&self.stale_directory(), published.container_ip());
        let withdrawn = match network::withdraw(sockets, published) {
            Ok(withdrawn) => withdrawn,
            Err(error) => return Some(chain(&error)),
        };
        match note {
            Ok(note) => {
                self.withdrawn = Some((note, withdrawn));
                None
            }
            // Where it cannot be noted it cannot be put off.
            Err(_) => {
                let done = network::end_connections(sockets, &withdrawn);
                done.err().map(|error| chain(&error))
            }
        }
    }

    /// Finishes the attachments that a dead monitor had begun.
    pub(super) fn attach_missing(&mut self, desired: &Desired) -> Result<(), Failure> {
        let (Some(sockets), Some(namespace)) = (&self.sockets, self.namespace(Kind::Network)) else {
            return Ok(());
        };
        let (endpoints, _) = parts(&desired.network);
        let gateway = gateway_endpoint(endpoints);
        for endpoint in endpoints {
            if network::link_exists(sockets, &endpoint.host_ifname).map_err(|error| failed(&error))? {
                continue;
            }
            let inside = NamespaceSocket::enter(sockets, namespace).map_err(|error| failed(&error))?;
            attach(sockets, endpoint, namespace, &inside, gateway == Some(endpoint))?;
        }
        Ok(())
    }

    pub(super) fn change_endpoints(
        &mut self,
        before: &NetworkPlan,
        now: &NetworkPlan,
    ) -> Result<(), Failure> {
        let ((old, _), (new, ports)) = (parts(before), parts(now));
        let has = |list: &[EndpointConfig], one: &EndpointConfig| list.iter().any(|other| other.id == one.id);
        let (sockets, namespace) = match (&self.sockets, self.namespace(Kind::Network)) {
            (Some(sockets), Some(namespace)) if before != now => (sockets, namespace),
            _ => return Ok(()),
        };
        let inside = NamespaceSocket::enter(sockets, namespace).map_err(|error| failed(&error))?;
        let (was, gateway) = (gateway_endpoint(old), gateway_endpoint(new));
        let mut warnings = Vec::new();
        let mut attached: Vec<&EndpointConfig> = Vec::new();
        for endpoint in new.iter().filter(|endpoint| !has(old, endpoint)) {
            network::end_stale_connections(&self.stale_directory(), sockets, endpoint.address)
                .map_err(|error| failed(&error))?;
            match attach(sockets, endpoint, namespace, &inside, false) {
                Ok(more) => warnings.extend(more),
                Err(failure) => {
                    // The first failure is the one to report; names that are left are found by repair.
                    attached.iter().for_each(|one| drop(network::detach_endpoint(sockets, &one.host_ifname)));
                    return Err(failure);
                }
            }
            attached.push(endpoint);
        }
        for endpoint in old.iter().filter(|endpoint| !has(new, endpoint)) {
            network::detach_endpoint(sockets, &endpoint.host_ifname).map_err(|error| failed(&error))?;
        }
        if was.map(|endpoint| &endpoint.id) != gateway.map(|endpoint| &endpoint.id) {
            if let Some(gateway) = gateway {
                network::set_default_route(&inside, gateway).map_err(|error| failed(&error))?;
            }
            if let Some(published) = self.published.take() {
                network::unpublish(sockets, published).map_err(|error| failed(&error))?;
            }
            if let Some(gateway) = gateway {
                self.published = Some(publish(sockets, gateway, ports)?);
            }
        }
        self.warnings.extend(warnings);
        Ok(())
    }

    pub(super) fn resolver_place(&self) -> Result<Option<ResolverPlace>, Failure> {
        let (Some(sockets), Some(namespace)) = (&self.sockets, self.namespace(Kind::Network)) else {
            return Ok(None);
        };
        let listeners = dns::listen(sockets, namespace).map_err(|error| failed(&error))?;
        let namespace = namespace.try_clone_to_owned().map_err(|error| failed(&error))?;
        Ok(Some(ResolverPlace { namespace, listeners }))
    }
}

/// Makes the bridge if it is not there, and the endpoint; warnings.
fn attach(
    sockets: &NetworkSockets,
    endpoint: &EndpointConfig,
    namespace: BorrowedFd<'_>,
    inside: &NamespaceSocket,
    is_gateway: bool,
) -> Result<Vec<String>, Failure> {
    network::ensure_bridge(sockets, &endpoint.network).map_err(|error| failed(&error))?;
    let warnings = if endpoint.network.internal { Vec::new() } else { blocked_by(sockets, endpoint) };
    // Nothing to keep: the interface goes with the namespace.
    network::attach_endpoint_through(sockets, endpoint, namespace, inside, is_gateway)
        .map(drop)
        .map_err(|error| failed(&error))?;
    Ok(warnings)
}

fn publish(
    sockets: &NetworkSockets,
    gateway: &EndpointConfig,
    ports: &[PortMapping],
) -> Result<PublishedPorts, Failure> {
    network::publish(sockets, gateway.address, &gateway.network, ports).map_err(|error| Failure {
        kind: match error {
            PublishError::InUse { .. } => FailureKind::PortInUse,
            _ => FailureKind::Host,
        },
        message: chain(&error),
    })
}

/// Asks the packet filters of others to let the network's traffic pass; those that will not are named.
fn blocked_by(sockets: &NetworkSockets, endpoint: &EndpointConfig) -> Vec<String> {
    match network::open_foreign(sockets, &endpoint.network) {
        Ok(closed) => {
            closed.iter().map(|drop| format!("{drop} drops what this container sends and gets")).collect()
        }
        Err(error) => vec![chain(&error)],
    }
}
