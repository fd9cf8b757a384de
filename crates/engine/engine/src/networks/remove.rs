//! Removing networks.

use super::lock::{self, NetworkLock};
use super::record::{HOST, NONE, NetworkRecord, PREDEFINED};
use super::{NetworkError, NetworkView};
use crate::Engine;
use crate::containers::{Container, observe};
use crate::documents;
use ids::NetworkName;
use monitor::desired::NetworkPlan;
use network::{BridgeNetwork, NetworkSockets, close_foreign, remove_bridge};
use state::StateError;

fn host(error: impl std::error::Error + Send + Sync + 'static) -> NetworkError {
    NetworkError::Host(Box::new(error))
}

impl Engine {
    /// Removes a network that no running container is on.
    ///
    /// The bridge goes first and the record last: killed in between, it is still a network, and removing it again
    /// finishes the work.
    ///
    /// # Errors
    /// See [`NetworkError`].
    pub fn remove_network(&self, query: &str) -> Result<(), NetworkError> {
        if PREDEFINED.contains(&query) {
            return Err(NetworkError::Predefined { name: query.to_owned() });
        }
        let (_, record) = match self.find_network(query) {
            Err(NetworkError::NotFound { .. }) if self.is_predefined(query) => {
                return Err(NetworkError::Predefined { name: query.to_owned() });
            }
            found => found?,
        };
        let name = record.bridge.name.as_str();
        if PREDEFINED.contains(&name) {
            return Err(NetworkError::Predefined { name: name.to_owned() });
        }
        self.remove_found(&record)
    }

    fn is_predefined(&self, query: &str) -> bool {
        let instance = &self.context().instance;
        [HOST, NONE].iter().any(|name| super::record::predefined_id(instance, name).as_str() == query)
    }

    fn remove_found(&self, record: &NetworkRecord) -> Result<(), NetworkError> {
        let exec_root = &self.context().roots.exec;
        let _lock = NetworkLock::exclusive(exec_root, &record.bridge.id)?;
        let members = self.members(&record.bridge)?;
        if !members.is_empty() {
            let members = members.iter().map(|(container, endpoint)| {
                format!("name:\"{}\" id:\"{}\"", container.name, &endpoint.id.as_str()[..12])
            });
            let name = record.bridge.name.clone();
            return Err(NetworkError::InUse { name, members: members.collect::<Vec<_>>().join(", ") });
        }
        let sockets = NetworkSockets::open(&self.context().instance).map_err(host)?;
        self.forget_network(&record.bridge, &sockets)?;
        self.network_event("destroy", record);
        Ok(())
    }

    /// Takes away everything of a network.
    pub(super) fn forget_network(
        &self,
        network: &BridgeNetwork,
        sockets: &NetworkSockets,
    ) -> Result<(), NetworkError> {
        let exec_root = &self.context().roots.exec;
        remove_bridge(sockets, network).map_err(|error| NetworkError::Bridge(Box::new(error)))?;
        close_foreign(sockets, &network.bridge).map_err(host)?;
        documents::remove_directory(&lock::directory(exec_root).join(network.id.as_str()))?;
        let gone: Result<bool, StateError> =
            self.database()?.write(state::Durability::Power, |writer| writer.delete_network(&network.id));
        gone?;
        Ok(documents::remove_file(&lock::path(exec_root, &network.id))?)
    }

    /// Containers that are on a network now: those that run, are paused, are about to start or to be restarted.
    pub(crate) fn members(
        &self,
        network: &BridgeNetwork,
    ) -> Result<Vec<(Container, network::EndpointConfig)>, NetworkError> {
        let mut members = Vec::new();
        let lookup = |error| NetworkError::Lookup(Box::new(error));
        for container in self.all_containers().map_err(lookup)? {
            let directories = self.directories(&container.id);
            let observed = observe::observe(&directories);
            if !observed.owned && !observed.is_up() {
                continue;
            }
            let Some(desired) = documents::read_desired(&directories)? else { continue };
            let NetworkPlan::Bridge { endpoints, .. } = desired.network else { continue };
            let on_it = endpoints.into_iter().find(|endpoint| endpoint.network.id == network.id);
            members.extend(on_it.map(|endpoint| (container, endpoint)));
        }
        Ok(members)
    }

    /// Removes every network that a user made, that `wanted` names and no container is on; those that were removed.
    ///
    /// # Errors
    /// See [`NetworkError`].
    pub fn prune_networks(
        &self,
        wanted: &dyn Fn(&NetworkView) -> bool,
    ) -> Result<Vec<NetworkName>, NetworkError> {
        let mut removed = Vec::new();
        for (created, record) in self.recorded_networks()? {
            let name = record.bridge.name.clone();
            if PREDEFINED.contains(&name.as_str()) || !wanted(&self.network_view(created, &record)?) {
                continue;
            }
            match self.remove_found(&record) {
                Ok(()) => removed.push(name),
                Err(NetworkError::InUse { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }
}
