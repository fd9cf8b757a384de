//! Putting an existing container on a network, and taking it off.
//!
//! One transaction claims the address, then the document says what shall be, then a running container's monitor
//! carries it out and answers. When it refuses, everything is as before; killed in between, the document is what
//! counts: the next change of the container's networks, or `system check`, has it carried out.

use super::NetworkError;
use super::lock::NetworkLock;
use super::planned::has_own_resolver;
use super::record::{BRIDGE, HOST, NONE};
use crate::Engine;
use crate::containers::{Held, Ownership, files, observe};
use crate::documents;
use crate::model::{AttachmentConfig, NetworkChoice};
use ids::EndpointId;
use monitor::client::{ClientError, Connection};
use monitor::desired::{Desired, NetworkPlan};
use monitor::events::Event;
use monitor::facts::Durability;
use monitor::protocol::{Reply, Request};
use network::EndpointConfig;
use state::StateError;

impl Engine {
    /// Puts a container on a network.
    ///
    /// # Errors
    /// See [`NetworkError`]; the container is then where it was.
    pub fn connect_network(&self, container: &str, asked: &AttachmentConfig) -> Result<(), NetworkError> {
        let held = self.hold_for_networks(container)?;
        let mut desired = self.settled_document(&held)?;
        refuse_modes(&held.container.record.config.network)?;
        let network = match asked.network.as_str() {
            HOST | NONE => return Err(NetworkError::Exclusive),
            "default" => BRIDGE,
            name => name,
        };
        let (_, network) = self.find_network(network)?;
        let _lock = NetworkLock::shared(&self.context().roots.exec, &network.bridge.id)?;
        let before = desired.clone();
        let NetworkPlan::Bridge { endpoints, .. } = &mut desired.network else {
            return Err(NetworkError::Exclusive);
        };
        if endpoints.iter().any(|endpoint| endpoint.network.id == network.bridge.id) {
            let (container, network) = (held.container.name.clone(), network.bridge.name);
            return Err(NetworkError::Connected { container, network });
        }
        let mut asked = asked.clone();
        asked.links = self.checked_links(&asked.links)?;
        let attachment = self.plan_attachment(network, &asked)?;
        let mut record = held.container.record.clone();
        record.endpoints.push(attachment.endpoint.clone());
        let bytes = record.to_bytes().map_err(NetworkError::ContainerRecord)?;
        let endpoint = self.database()?.write(state::Durability::Power, |writer| {
            writer.update_container(&held.container.id, &bytes)?;
            attachment.claim(writer, endpoints)
        })?;
        endpoints.push(endpoint.clone());
        let told = self.change_networks(&held, &before, &mut desired);
        if told.is_err() {
            // The first error is the one to tell; an address that is left is found by `system check`.
            let _ = self.give_back(&held, &endpoint.id);
        } else {
            self.quiet_event(&held, "connect", &endpoint);
        }
        told
    }

    /// Takes a container off a network. With `force`, a network that is gone already is no error.
    ///
    /// # Errors
    /// See [`NetworkError`]; the container is then where it was.
    pub fn disconnect_network(
        &self,
        network: &str,
        container: &str,
        force: bool,
    ) -> Result<(), NetworkError> {
        let held = self.hold_for_networks(container)?;
        let mut desired = self.settled_document(&held)?;
        let network = if network == "default" { BRIDGE } else { network };
        let found = self.find_network(network);
        let names = |endpoint: &EndpointConfig| match &found {
            Ok((_, record)) => endpoint.network.id == record.bridge.id,
            // The network is gone; the container remembers it.
            Err(_) => {
                endpoint.network.name.as_str() == network || endpoint.network.id.as_str().starts_with(network)
            }
        };
        let before = desired.clone();
        let place = match &mut desired.network {
            NetworkPlan::Bridge { endpoints, .. } => {
                endpoints.iter().position(names).map(|at| (endpoints, at))
            }
            _ => None,
        };
        let Some((endpoints, place)) = place else {
            refuse_modes(&held.container.record.config.network)?;
            let (_, record) = match found {
                Err(NetworkError::NotFound { .. }) if force => return Ok(()),
                found => found?,
            };
            let container = held.container.id.clone();
            return Err(NetworkError::NotConnected { container, network: record.bridge.name });
        };
        let endpoint = endpoints.remove(place);
        self.change_networks(&held, &before, &mut desired)?;
        self.quiet_event(&held, "disconnect", &endpoint);
        self.give_back(&held, &endpoint.id)
    }

    fn hold_for_networks(&self, container: &str) -> Result<Held, NetworkError> {
        self.hold(container).map_err(|error| NetworkError::Lookup(Box::new(error)))
    }

    /// The container's document, after a lost monitor was replaced and an earlier change was carried out.
    fn settled_document(&self, held: &Held) -> Result<Desired, NetworkError> {
        if let Ownership::Free(liveness) =
            self.settle(&held.directories).map_err(|error| NetworkError::Launch(Box::new(error)))?
        {
            drop(liveness);
        }
        let desired = documents::read_desired(&held.directories)?;
        let desired = desired.ok_or_else(|| NetworkError::Incomplete { id: held.container.id.clone() })?;
        self.finish_change(held, &desired)?;
        Ok(desired)
    }

    /// Has a change carried out that was written down and never acknowledged; whether there was one.
    pub(crate) fn finish_change(&self, held: &Held, desired: &Desired) -> Result<bool, NetworkError> {
        let pending = observe::is_behind(&held.directories, desired);
        if pending {
            tell(held, desired.generation)?;
        }
        Ok(pending)
    }

    /// Writes the document and has it carried out; puts everything back when that fails.
    fn change_networks(
        &self,
        held: &Held,
        before: &Desired,
        desired: &mut Desired,
    ) -> Result<(), NetworkError> {
        desired.generation += 1;
        documents::write_desired(&held.directories, desired, Durability::Power)?;
        let done = self.rewrite_files(held, before, desired).and_then(|()| tell(held, desired.generation));
        if done.is_err() {
            let mut again = before.clone();
            again.generation = desired.generation + 1;
            documents::write_desired(&held.directories, &again, Durability::Power)?;
            // The first error is the one to tell.
            let _ = self.rewrite_files(held, desired, &again);
            let _ = tell(held, again.generation);
        }
        done
    }

    /// Brings `/etc/hosts` and `/etc/resolv.conf` of the container in line.
    fn rewrite_files(&self, held: &Held, before: &Desired, now: &Desired) -> Result<(), NetworkError> {
        let config = &held.container.record.config;
        let addresses = |desired: &Desired| match &desired.network {
            NetworkPlan::Bridge { endpoints, .. } => {
                endpoints.iter().map(|endpoint| endpoint.address.into()).collect()
            }
            _ => Vec::new(),
        };
        let hostname = &held.container.record.effective.hostname;
        let directory = &held.directories.data;
        files::change_hosts(
            directory,
            hostname,
            config.domainname.as_deref(),
            &addresses(before),
            &addresses(now),
        )?;
        let (was, is) = (has_own_resolver(&before.network), has_own_resolver(&now.network));
        if was != is {
            files::write_resolver(directory, &self.resolver_overrides(config)?, is)?;
        }
        Ok(())
    }

    /// Gives the address back and forgets the endpoint.
    fn give_back(&self, held: &Held, endpoint: &EndpointId) -> Result<(), NetworkError> {
        let mut record = held.container.record.clone();
        record.endpoints.retain(|other| other != endpoint);
        let bytes = record.to_bytes().map_err(NetworkError::ContainerRecord)?;
        let done: Result<(), StateError> = self.database()?.write(state::Durability::Power, |writer| {
            writer.update_container(&held.container.id, &bytes)?;
            writer.release_lease(endpoint)
        });
        Ok(done?)
    }

    /// A container that does not run has no monitor that could say it.
    fn quiet_event(&self, held: &Held, action: &str, endpoint: &EndpointConfig) {
        if observe::observe(&held.directories).owned {
            return;
        }
        let network = &endpoint.network;
        let event = Event::now("network", action, network.id.as_str())
            .with("container", held.container.id.to_string())
            .with("name", network.name.to_string())
            .with("type", "bridge");
        self.event(&event);
    }
}

/// Networks that cannot be added to, nor be left.
fn refuse_modes(network: &NetworkChoice) -> Result<(), NetworkError> {
    match network {
        NetworkChoice::None => Err(NetworkError::Private),
        NetworkChoice::Host | NetworkChoice::Container(_) => Err(NetworkError::Sharing),
        NetworkChoice::Named(name) if name.as_str() == NONE => Err(NetworkError::Private),
        NetworkChoice::Named(name) if name.as_str() == HOST => Err(NetworkError::Sharing),
        NetworkChoice::Default | NetworkChoice::Named(_) => Ok(()),
    }
}

/// Has the monitor carry out the document; nothing to do when there is none.
fn tell(held: &Held, generation: u64) -> Result<(), NetworkError> {
    let connection = match Connection::open(&held.directories) {
        Err(ClientError::NoMonitor) => return Ok(()),
        connection => connection?,
    };
    match connection.ask(&Request::Update { generation }) {
        Ok(Reply::Failed { message, .. }) => Err(NetworkError::Refused { message }),
        Ok(_) | Err(ClientError::Gone) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
