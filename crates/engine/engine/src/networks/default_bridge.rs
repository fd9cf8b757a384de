//! The default network: made when the first container needs it, with a subnet that nothing on the host uses.

use super::record::{BRIDGE, NetworkRecord, predefined_id};
use super::{HostLock, NetworkError};
use crate::Engine;
use ids::NetworkName;
use monitor::clock;
use network::ipam::{Pool, free_subnet};
use network::{BridgeNetwork, Ipv4Subnet, NetworkSockets, link_exists, names, routes_in_use};
use state::StateError;
use std::net::Ipv4Addr;

fn host(error: impl std::error::Error + Send + Sync + 'static) -> NetworkError {
    NetworkError::Host(Box::new(error))
}

impl Engine {
    /// The default network, recorded at first use.
    pub(crate) fn default_network(&self) -> Result<NetworkRecord, NetworkError> {
        match self.database()?.read(|reader| reader.network_named(BRIDGE))? {
            Some(row) => NetworkRecord::read(&row),
            None => self.make_default_network(),
        }
    }

    fn make_default_network(&self) -> Result<NetworkRecord, NetworkError> {
        let context = self.context();
        let _lock = HostLock::take(&context.roots.exec, context.euid)?;
        // Somebody may have been faster.
        if let Some(row) = self.database()?.read(|reader| reader.network_named(BRIDGE))? {
            return NetworkRecord::read(&row);
        }
        let network = self.choose_default_network()?;
        let row = network.to_row(clock::now_ns())?;
        self.database()?
            .write(state::Durability::Power, |writer| writer.insert_network(&row).map(drop))
            .map_err(|error: StateError| NetworkError::State(error))?;
        Ok(network)
    }

    fn choose_default_network(&self) -> Result<NetworkRecord, NetworkError> {
        let context = self.context();
        let config = &context.config;
        let sockets = NetworkSockets::open(&context.instance).map_err(host)?;
        let id = predefined_id(&context.instance, BRIDGE);
        let (subnet, gateway) = match &config.bip {
            Some(text) => bridge_address(text)?,
            None => {
                let mut in_use = routes_in_use(&sockets).map_err(host)?;
                in_use.extend(self.recorded_networks()?.iter().map(|(_, other)| other.bridge.subnet));
                let subnet = free_subnet(&self.pools()?, &in_use).ok_or(NetworkError::NoSubnet)?;
                (subnet, subnet.default_gateway())
            }
        };
        let is_free = !link_exists(&sockets, names::DEFAULT_BRIDGE).map_err(host)?;
        let name = NetworkName::parse(BRIDGE).expect("a word of letters is a network name");
        Ok(NetworkRecord::plain(BridgeNetwork {
            bridge: names::default_bridge(&context.instance, &id, |_| is_free),
            id,
            name,
            subnet,
            gateway,
            mtu: config.mtu,
            internal: false,
            icc: config.icc,
            masquerade: config.ip_masq,
            resolves_names: false,
        }))
    }

    pub(super) fn pools(&self) -> Result<Vec<Pool>, NetworkError> {
        let configured = &self.context().config.default_address_pools;
        if configured.is_empty() {
            return Ok(Pool::defaults());
        }
        let pool = |setting: &crate::context::PoolSetting| {
            Ok(Pool { base: Ipv4Subnet::parse(&setting.base)?, size: setting.size })
        };
        configured.iter().map(pool).collect()
    }
}

/// `bip`: the bridge's own address with its prefix.
fn bridge_address(text: &str) -> Result<(Ipv4Subnet, Ipv4Addr), NetworkError> {
    let subnet = Ipv4Subnet::parse(text)?;
    let address = text.split_once('/').and_then(|(address, _)| address.parse().ok());
    Ok((subnet, address.unwrap_or_else(|| subnet.default_gateway())))
}
