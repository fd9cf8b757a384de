//! A container's part in its networks: decided before anything is made, claimed in the transaction that creates it.

use super::NetworkError;
use super::attachment::Attachment;
use super::record::{BRIDGE, HOST, NONE};
use crate::Engine;
use crate::containers::files;
use crate::documents::FileError;
use crate::model::{AttachmentConfig, ContainerConfig, EffectiveConfig, NetworkChoice};
use ids::{ContainerId, EndpointId};
use monitor::desired::NetworkPlan;
use monitor::facts::Durability;
use monitor::layout::ContainerDirectories;
use network::resolv_conf::{HostEntry, Overrides};
use state::Writer;
use std::net::{IpAddr, Ipv4Addr};

/// What was decided.
#[derive(Debug)]
pub(crate) struct Planned {
    kind: Kind,
    extra_hosts: Vec<HostEntry>,
    resolver: Overrides,
}

#[derive(Debug)]
enum Kind {
    None,
    Host,
    Container {
        id: ContainerId,
        directories: ContainerDirectories,
    },
    /// The first is the one whose gateway `host-gateway` means.
    Bridge {
        attachments: Vec<Attachment>,
    },
}

impl Engine {
    /// Decides a container's networks.
    pub(crate) fn plan_network(&self, config: &ContainerConfig) -> Result<Planned, NetworkError> {
        let kind = match &config.network {
            NetworkChoice::None => Kind::None,
            NetworkChoice::Host => Kind::Host,
            NetworkChoice::Container(query) => self.shared(query)?,
            NetworkChoice::Default => self.attachments(BRIDGE, config)?,
            NetworkChoice::Named(name) => match name.as_str() {
                NONE => Kind::None,
                HOST => Kind::Host,
                text => self.attachments(text, config)?,
            },
        };
        if !matches!(kind, Kind::Bridge { .. }) {
            if !config.more_attachments.is_empty() {
                return Err(NetworkError::Exclusive);
            }
            if !config.attachment.aliases.is_empty() {
                return Err(NetworkError::Alias);
            }
        }
        let gateway = match &kind {
            Kind::Bridge { attachments } => {
                attachments.first().map(|first| IpAddr::V4(first.network.bridge.gateway))
            }
            _ => None,
        };
        let extra_hosts = config.extra_hosts.iter().map(|text| HostEntry::parse(text, gateway));
        let mut extra_hosts = extra_hosts.collect::<Result<Vec<_>, _>>()?;
        extra_hosts.extend(self.linked_hosts(config)?);
        Ok(Planned { kind, extra_hosts, resolver: self.resolver_overrides(config)? })
    }

    /// `--dns` and so on, with the host file's values where nothing was said.
    pub(crate) fn resolver_overrides(&self, config: &ContainerConfig) -> Result<Overrides, NetworkError> {
        let host = &self.context().config;
        let or =
            |own: &Vec<String>, host: &Vec<String>| if own.is_empty() { host.clone() } else { own.clone() };
        let servers = if config.dns.is_empty() { host.dns.clone() } else { config.dns.clone() };
        let search = or(&config.dns_search, &host.dns_search);
        Ok(Overrides::new(servers, search, or(&config.dns_options, &host.dns_opts))?)
    }

    fn attachments(&self, first: &str, config: &ContainerConfig) -> Result<Kind, NetworkError> {
        let mut attachments: Vec<Attachment> = Vec::new();
        let further = config.more_attachments.iter().map(|asked| (asked.network.as_str(), asked));
        for (name, asked) in [(first, &config.attachment)].into_iter().chain(further) {
            if matches!(name, HOST | NONE) || name.starts_with("container:") {
                return Err(NetworkError::Exclusive);
            }
            let (_, network) = self.find_network(if name == "default" { BRIDGE } else { name })?;
            if attachments.iter().any(|other| other.network.bridge.id == network.bridge.id) {
                return Err(NetworkError::Twice { name: network.bridge.name });
            }
            let asked = AttachmentConfig { links: self.checked_links(&asked.links)?, ..asked.clone() };
            attachments.push(self.plan_attachment(network, &asked)?);
        }
        Ok(Kind::Bridge { attachments })
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

impl Planned {
    fn attachments(&self) -> &[Attachment] {
        match &self.kind {
            Kind::Bridge { attachments } => attachments,
            _ => &[],
        }
    }

    /// The endpoints that will hold addresses.
    pub(crate) fn endpoint_ids(&self) -> Vec<EndpointId> {
        self.attachments().iter().map(|attachment| attachment.endpoint.clone()).collect()
    }

    /// The host's address for published ports that name none, if a network has one of its own; `None` when no network
    /// has a way out, where nothing can be published.
    pub(crate) fn host_binding(&self) -> Option<Option<IpAddr>> {
        let ways_out = self.attachments().iter().filter(|attachment| !attachment.network.bridge.internal);
        let mut bindings = ways_out.map(|attachment| attachment.network.host_binding);
        bindings.next()
    }

    /// Takes the addresses, in the transaction that creates the container.
    pub(crate) fn claim(&self, writer: &Writer<'_>) -> Result<NetworkPlan, NetworkError> {
        match &self.kind {
            Kind::None => Ok(NetworkPlan::None),
            Kind::Host => Ok(NetworkPlan::Host),
            Kind::Container { id, .. } => Ok(NetworkPlan::Container { id: id.clone() }),
            Kind::Bridge { attachments } => {
                let mut endpoints = Vec::with_capacity(attachments.len());
                for attachment in attachments {
                    let endpoint = attachment.claim(writer, &endpoints)?;
                    endpoints.push(endpoint);
                }
                let servers = self.resolver.servers.clone();
                Ok(NetworkPlan::Bridge { endpoints, ports: Vec::new(), servers })
            }
        }
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
            own_resolver: has_own_resolver(network),
            durable: durability == Durability::Power,
        };
        files::write(&directories.data, &content)
    }
}

/// Whether containers of this plan ask the resolver in their own sandbox.
pub(crate) fn has_own_resolver(network: &NetworkPlan) -> bool {
    matches!(network, NetworkPlan::Bridge { endpoints, .. } if endpoints.iter().any(|one| one.network.resolves_names))
}

/// The address of a container on the default network, which it holds for life.
pub(super) fn default_address(network: &NetworkPlan) -> Option<Ipv4Addr> {
    let NetworkPlan::Bridge { endpoints, .. } = network else { return None };
    endpoints.iter().find(|one| !one.network.resolves_names).map(|one| one.address)
}
