//! The default network: made when the first container needs it, with a subnet that nothing on the host uses.

use super::{HostLock, NetworkError};
use crate::Engine;
use ids::{NetworkId, NetworkName};
use monitor::clock;
use network::ipam::{Pool, free_subnet};
use network::{BridgeNetwork, Ipv4Subnet, NetworkSockets, link_exists, names, routes_in_use};
use state::{NetworkRow, StateError};
use std::net::Ipv4Addr;

/// What Docker calls it.
pub(super) const NAME: &str = "bridge";

fn host(error: impl std::error::Error + Send + Sync + 'static) -> NetworkError {
    NetworkError::Host(Box::new(error))
}

fn read(row: &NetworkRow) -> Result<BridgeNetwork, NetworkError> {
    serde_json::from_slice(&row.record)
        .map_err(|source| NetworkError::Record { name: row.name.clone(), source })
}

impl Engine {
    /// A network by name.
    pub(super) fn named_network(&self, name: &NetworkName) -> Result<BridgeNetwork, NetworkError> {
        if name.as_str() == NAME {
            return self.default_network();
        }
        let row = self.database()?.read(|reader| reader.network_named(name.as_str()))?;
        read(&row.ok_or_else(|| NetworkError::NotFound { name: name.clone() })?)
    }

    /// The default network, recorded at first use.
    pub(super) fn default_network(&self) -> Result<BridgeNetwork, NetworkError> {
        match self.database()?.read(|reader| reader.network_named(NAME))? {
            Some(row) => read(&row),
            None => self.make_default_network(),
        }
    }

    fn make_default_network(&self) -> Result<BridgeNetwork, NetworkError> {
        let context = self.context();
        let _lock = HostLock::take(&context.roots.exec, context.euid)?;
        // Somebody may have been faster.
        if let Some(row) = self.database()?.read(|reader| reader.network_named(NAME))? {
            return read(&row);
        }
        let network = self.choose_default_network()?;
        let name = network.name.clone();
        let record = serde_json::to_vec(&network).map_err(|source| NetworkError::Record { name, source })?;
        let row = NetworkRow {
            id: network.id.clone(),
            name: network.name.clone(),
            created: clock::now_ns(),
            record,
        };
        self.database()?
            .write(state::Durability::Power, |writer| writer.insert_network(&row).map(drop))
            .map_err(|error: StateError| NetworkError::State(error))?;
        Ok(network)
    }

    fn choose_default_network(&self) -> Result<BridgeNetwork, NetworkError> {
        let context = self.context();
        let config = &context.config;
        let sockets = NetworkSockets::open(&context.instance).map_err(host)?;
        let id = NetworkId::random();
        let (subnet, gateway) = match &config.bip {
            Some(text) => bridge_address(text)?,
            None => {
                let mut in_use = routes_in_use(&sockets).map_err(host)?;
                for row in self.database()?.read(|reader| reader.networks())? {
                    in_use.push(read(&row)?.subnet);
                }
                let subnet = free_subnet(&self.pools()?, &in_use).ok_or(NetworkError::NoSubnet)?;
                (subnet, subnet.default_gateway())
            }
        };
        let is_free = !link_exists(&sockets, names::DEFAULT_BRIDGE).map_err(host)?;
        let name = NetworkName::parse(NAME).expect("a word of letters is a network name");
        Ok(BridgeNetwork {
            bridge: names::default_bridge(&context.instance, &id, |_| is_free),
            id,
            name,
            subnet,
            gateway,
            mtu: config.mtu,
            internal: false,
            icc: config.icc,
            masquerade: config.ip_masq,
        })
    }

    fn pools(&self) -> Result<Vec<Pool>, NetworkError> {
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
