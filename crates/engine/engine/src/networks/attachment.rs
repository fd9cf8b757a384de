//! A container's attachment to one network: decided before anything is made, claimed in a transaction.

use super::NetworkError;
use super::record::NetworkRecord;
use crate::Engine;
use crate::model::AttachmentConfig;
use ids::EndpointId;
use network::ipam::next_address;
use network::{EndpointConfig, MacAddr, names};
use state::Writer;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// What interfaces inside are called before their number.
const INTERFACE: &str = "eth";

/// What was decided.
#[derive(Debug, Clone)]
pub(crate) struct Attachment {
    pub(crate) network: NetworkRecord,
    pub(crate) endpoint: EndpointId,
    asked: AttachmentConfig,
    mac: Option<MacAddr>,
    host_ifname: String,
}

impl Engine {
    /// Decides an attachment; what would have no effect is refused.
    pub(crate) fn plan_attachment(
        &self,
        network: NetworkRecord,
        asked: &AttachmentConfig,
    ) -> Result<Attachment, NetworkError> {
        let is_default = !network.bridge.resolves_names;
        if !asked.aliases.is_empty() && is_default {
            return Err(NetworkError::Alias);
        }
        if let Some(address) = asked.ip {
            if !network.has_own_subnet {
                return Err(NetworkError::FixedAddress);
            }
            if !network.bridge.subnet.contains(address) {
                let network = network.bridge.name;
                return Err(NetworkError::AddressElsewhere { address, network });
            }
        }
        let mac = asked.mac_address.as_deref().map(MacAddr::parse).transpose()?;
        let endpoint = EndpointId::random();
        let host_ifname = names::endpoint_link(&self.context().instance, &endpoint);
        Ok(Attachment { network, endpoint, asked: asked.clone(), mac, host_ifname })
    }
}

impl Attachment {
    /// Takes the address. `taken` are the endpoints that the container has already.
    pub(crate) fn claim(
        &self,
        writer: &Writer<'_>,
        taken: &[EndpointConfig],
    ) -> Result<EndpointConfig, NetworkError> {
        let (network, record) = (&self.network.bridge, &self.network);
        if writer.network(&network.id)?.is_none() {
            return Err(NetworkError::NotFound { query: network.name.to_string() });
        }
        let chosen = writer.reserve_lease(&network.id, &self.endpoint, &|used, previous| {
            let mut used: BTreeSet<Ipv4Addr> = used.clone();
            used.extend(record.auxiliary.values());
            match self.asked.ip {
                Some(wanted) => fits(record, wanted, &used).then_some(wanted),
                None => next_address(network.subnet, record.ip_range, network.gateway, &used, previous),
            }
        })?;
        let (name, subnet) = (network.name.clone(), network.subnet);
        let address = chosen.ok_or_else(|| match self.asked.ip {
            Some(address) => NetworkError::AddressTaken { address, name, subnet },
            None => NetworkError::Exhausted { name, subnet },
        })?;
        let prefix = record.interface_prefix.as_deref().unwrap_or(INTERFACE);
        Ok(EndpointConfig {
            id: self.endpoint.clone(),
            network: network.clone(),
            address,
            prefix_len: subnet.prefix_len(),
            mac: self.mac.unwrap_or_else(|| MacAddr::from_ipv4(address)),
            host_ifname: self.host_ifname.clone(),
            container_ifname: free_interface(prefix, taken),
            aliases: self.asked.aliases.clone(),
            gateway_priority: self.asked.gateway_priority,
            is_fixed: self.asked.ip.is_some(),
            links: self.asked.links.clone(),
        })
    }
}

fn fits(record: &NetworkRecord, wanted: Ipv4Addr, used: &BTreeSet<Ipv4Addr>) -> bool {
    let (first, last) = record.bridge.subnet.host_range();
    wanted >= first && wanted <= last && wanted != record.bridge.gateway && !used.contains(&wanted)
}

/// The first `eth0`, `eth1` … that no other endpoint of the container has.
fn free_interface(prefix: &str, taken: &[EndpointConfig]) -> String {
    let is_free = |name: &String| taken.iter().all(|endpoint| endpoint.container_ifname != *name);
    (0..=taken.len()).map(|number| format!("{prefix}{number}")).find(is_free).unwrap_or_default()
}
