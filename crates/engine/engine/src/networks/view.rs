//! Networks as people see them.

use super::NetworkError;
use super::record::{BRIDGE, HOST, NONE, NetworkRecord, predefined_id};
use crate::Engine;
use crate::containers::observe::rfc3339;
use ids::{ContainerId, ContainerName, NetworkId};
use network::{EndpointConfig, Ipv4Subnet};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkView {
    /// Its id.
    pub id: NetworkId,
    /// Its name.
    pub name: String,
    /// `bridge`, `host` or `null`.
    pub driver: &'static str,
    /// RFC 3339 with nanoseconds, UTC; empty for one that every instance has from its beginning.
    pub created: String,
    /// Its addresses, if it has any.
    pub addresses: Option<NetworkAddresses>,
    /// No way out.
    pub internal: bool,
    /// Every instance has it.
    pub is_predefined: bool,
    /// Metadata.
    pub labels: BTreeMap<String, String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
}

/// Addresses of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAddresses {
    /// All of them.
    pub subnet: Ipv4Subnet,
    /// The bridge's own.
    pub gateway: Ipv4Addr,
    /// Where members' addresses are chosen from.
    pub ip_range: Option<Ipv4Subnet>,
    /// Somebody else's.
    pub auxiliary: BTreeMap<String, Ipv4Addr>,
}

/// A running container on a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkMember {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Its attachment.
    pub endpoint: EndpointConfig,
}

impl Engine {
    pub(super) fn network_view(
        &self,
        created: i64,
        record: &NetworkRecord,
    ) -> Result<NetworkView, NetworkError> {
        let network = &record.bridge;
        let is_default = network.name.as_str() == BRIDGE;
        let options = if is_default { default_options(record) } else { record.options.clone() };
        Ok(NetworkView {
            id: network.id.clone(),
            name: network.name.to_string(),
            driver: "bridge",
            created: rfc3339(created),
            addresses: Some(NetworkAddresses {
                subnet: network.subnet,
                gateway: network.gateway,
                ip_range: record.ip_range,
                auxiliary: record.auxiliary.clone(),
            }),
            internal: network.internal,
            is_predefined: is_default,
            labels: record.labels.clone(),
            options,
        })
    }

    fn predefined_view(&self, name: &'static str) -> NetworkView {
        NetworkView {
            id: predefined_id(&self.context().instance, name),
            name: name.to_owned(),
            driver: match name {
                HOST => "host",
                NONE => "null",
                _ => "bridge",
            },
            created: String::new(),
            addresses: None,
            internal: false,
            is_predefined: true,
            labels: BTreeMap::new(),
            options: BTreeMap::new(),
        }
    }

    /// All networks, by name. The default one is shown before it was first needed, too.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn list_networks(&self) -> Result<Vec<NetworkView>, NetworkError> {
        let mut views = vec![self.predefined_view(HOST), self.predefined_view(NONE)];
        for (created, record) in self.recorded_networks()? {
            views.push(self.network_view(created, &record)?);
        }
        if !views.iter().any(|view| view.name == BRIDGE) {
            views.push(self.predefined_view(BRIDGE));
        }
        views.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(views)
    }

    /// One network by name, id, or the beginning of its id, and the running containers on it. The default one is
    /// recorded, with its subnet, if it was not.
    ///
    /// # Errors
    /// [`NetworkError::NotFound`], or when the index cannot be read.
    pub fn inspect_network(&self, query: &str) -> Result<(NetworkView, Vec<NetworkMember>), NetworkError> {
        for name in [HOST, NONE] {
            let view = self.predefined_view(name);
            let is_prefix = query.len() >= 4 && view.id.as_str().starts_with(query);
            if query == name || is_prefix {
                return Ok((view, Vec::new()));
            }
        }
        let (created, record) = self.find_network(query)?;
        let members = self.members(&record.bridge)?.into_iter();
        let members = members.map(|(container, endpoint)| NetworkMember {
            id: container.id,
            name: container.name,
            endpoint,
        });
        Ok((self.network_view(created, &record)?, members.collect()))
    }
}

/// What Docker shows as options of its default network.
fn default_options(record: &NetworkRecord) -> BTreeMap<String, String> {
    let network = &record.bridge;
    let bridge = |key: &str| format!("com.docker.network.bridge.{key}");
    [
        (bridge("default_bridge"), "true".to_owned()),
        (bridge("enable_icc"), network.icc.to_string()),
        (bridge("enable_ip_masquerade"), network.masquerade.to_string()),
        (bridge("host_binding_ipv4"), "0.0.0.0".to_owned()),
        (bridge("name"), network.bridge.clone()),
        ("com.docker.network.driver.mtu".to_owned(), network.mtu.to_string()),
    ]
    .into()
}
