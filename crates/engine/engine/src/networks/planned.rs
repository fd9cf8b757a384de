//! A container's part in a network: decided before anything is made, claimed in the transaction that creates it.

use super::NetworkError;
use crate::Engine;
use crate::containers::files;
use crate::documents::FileError;
use crate::model::{ContainerConfig, EffectiveConfig, NetworkChoice};
use ids::{ContainerId, ContainerName, EndpointId};
use monitor::desired::NetworkPlan;
use monitor::facts::Durability;
use monitor::layout::ContainerDirectories;
use network::ipam::next_address;
use network::resolv_conf::{HostEntry, Overrides};
use network::{BridgeNetwork, EndpointConfig, MacAddr, names};
use state::Writer;
use std::net::IpAddr;

/// Name of the interface inside.
const INTERFACE: &str = "eth0";

/// What was decided.
#[derive(Debug)]
pub(crate) struct Planned {
    kind: Kind,
    extra_hosts: Vec<HostEntry>,
    resolver: Overrides,
    host_ifname: String,
    mac: Option<MacAddr>,
}

#[derive(Debug)]
enum Kind {
    None,
    Host,
    Container { id: ContainerId, directories: ContainerDirectories },
    Bridge { network: Box<BridgeNetwork>, endpoint: EndpointId, fixed: Option<std::net::Ipv4Addr> },
}

impl Engine {
    /// Decides a container's network.
    pub(crate) fn plan_network(&self, config: &ContainerConfig) -> Result<Planned, NetworkError> {
        let context = self.context();
        let kind = match &config.network {
            NetworkChoice::None => Kind::None,
            NetworkChoice::Host => Kind::Host,
            NetworkChoice::Container(query) => self.shared(query)?,
            NetworkChoice::Default => bridge(self.default_network()?, config, false)?,
            NetworkChoice::Named(name) => match name.as_str() {
                "none" => Kind::None,
                "host" => Kind::Host,
                text => bridge(self.named_network(name)?, config, text != super::default_bridge::NAME)?,
            },
        };
        // What would have no effect is refused.
        let user_defined = matches!(&kind, Kind::Bridge { network, .. } if network.name.as_str() != super::default_bridge::NAME);
        if !config.network_aliases.is_empty() && !user_defined {
            return Err(NetworkError::Alias);
        }
        let gateway = match &kind {
            Kind::Bridge { network, .. } => Some(IpAddr::V4(network.gateway)),
            _ => None,
        };
        let extra_hosts = config.extra_hosts.iter().map(|text| HostEntry::parse(text, gateway));
        let or =
            |own: &Vec<String>, host: &Vec<String>| if own.is_empty() { host.clone() } else { own.clone() };
        let servers = if config.dns.is_empty() { context.config.dns.clone() } else { config.dns.clone() };
        let resolver = Overrides::new(
            servers,
            or(&config.dns_search, &context.config.dns_search),
            or(&config.dns_options, &context.config.dns_opts),
        )?;
        let host_ifname = match &kind {
            Kind::Bridge { endpoint, .. } => names::endpoint_link(&context.instance, endpoint),
            _ => String::new(),
        };
        let mac = config.mac_address.as_deref().map(MacAddr::parse).transpose()?;
        Ok(Planned { kind, extra_hosts: extra_hosts.collect::<Result<_, _>>()?, resolver, host_ifname, mac })
    }

    fn shared(&self, query: &str) -> Result<Kind, NetworkError> {
        let lookup = |error| NetworkError::Lookup(Box::new(error));
        let other = self.read_container(query).map_err(lookup)?;
        if matches!(other.record.config.network, NetworkChoice::Container(_)) {
            return Err(NetworkError::Shared { id: other.id });
        }
        Ok(Kind::Container { directories: self.directories(&other.id), id: other.id })
    }
}

fn bridge(
    network: BridgeNetwork,
    config: &ContainerConfig,
    user_defined: bool,
) -> Result<Kind, NetworkError> {
    if config.ip.is_some() && !user_defined {
        return Err(NetworkError::FixedAddress);
    }
    Ok(Kind::Bridge { network: Box::new(network), endpoint: EndpointId::random(), fixed: config.ip })
}

impl Planned {
    /// The endpoint that will hold an address, if any.
    pub(crate) fn endpoint_id(&self) -> Option<EndpointId> {
        match &self.kind {
            Kind::Bridge { endpoint, .. } => Some(endpoint.clone()),
            _ => None,
        }
    }

    /// Takes the address, in the transaction that creates the container.
    pub(crate) fn claim(
        &self,
        writer: &Writer<'_>,
        config: &ContainerConfig,
        name: &ContainerName,
    ) -> Result<NetworkPlan, NetworkError> {
        let (network, endpoint, fixed) = match &self.kind {
            Kind::None => return Ok(NetworkPlan::None),
            Kind::Host => return Ok(NetworkPlan::Host),
            Kind::Container { id, .. } => return Ok(NetworkPlan::Container { id: id.clone() }),
            Kind::Bridge { network, endpoint, fixed } => (network, endpoint, fixed),
        };
        let (subnet, gateway) = (network.subnet, network.gateway);
        let (first, last) = subnet.host_range();
        let chosen = writer.reserve_lease(&network.id, endpoint, &|used, previous| match fixed {
            Some(wanted) => {
                let fits =
                    *wanted >= first && *wanted <= last && *wanted != gateway && !used.contains(wanted);
                fits.then_some(*wanted)
            }
            None => next_address(subnet, gateway, used, previous),
        })?;
        let address = chosen.ok_or_else(|| match fixed {
            Some(address) => {
                NetworkError::AddressTaken { address: *address, name: network.name.clone(), subnet }
            }
            None => NetworkError::Exhausted { name: network.name.clone(), subnet },
        })?;
        let mut aliases = vec![name.to_string()];
        aliases.extend(config.network_aliases.iter().cloned());
        let endpoint = EndpointConfig {
            id: endpoint.clone(),
            network: (**network).clone(),
            address,
            prefix_len: subnet.prefix_len(),
            mac: self.mac.unwrap_or_else(|| MacAddr::from_ipv4(address)),
            host_ifname: self.host_ifname.clone(),
            container_ifname: INTERFACE.to_owned(),
            aliases,
        };
        Ok(NetworkPlan::Bridge { endpoints: vec![endpoint], ports: Vec::new() })
    }

    /// Writes the files that tell the container who it is; warnings.
    pub(crate) fn write_files(
        &self,
        network: &NetworkPlan,
        effective: &EffectiveConfig,
        config: &ContainerConfig,
        directories: &ContainerDirectories,
        durability: Durability,
    ) -> Result<Vec<String>, FileError> {
        if let Kind::Container { directories: other, .. } = &self.kind {
            files::copy(&other.data, &directories.data)?;
            return Ok(Vec::new());
        }
        let addresses: Vec<IpAddr> = match network {
            NetworkPlan::Bridge { endpoints, .. } => {
                endpoints.iter().map(|endpoint| IpAddr::V4(endpoint.address)).collect()
            }
            _ => Vec::new(),
        };
        let content = files::Content {
            hostname: &effective.hostname,
            domain: config.domainname.as_deref(),
            addresses: &addresses,
            extra_hosts: &self.extra_hosts,
            resolver: &self.resolver,
            host_network: matches!(self.kind, Kind::Host),
            durable: durability == Durability::Power,
        };
        files::write(&directories.data, &content)
    }
}
