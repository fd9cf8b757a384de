//! Making a network.

use super::record::{NetworkRecord, PREDEFINED};
use super::{HostLock, NetworkError, NetworkView};
use crate::Engine;
use ids::{NetworkId, NetworkName};
use monitor::clock;
use monitor::events::Event;
use network::ipam::free_subnet;
use network::{BridgeNetwork, Ipv4Subnet, NetworkSockets, ensure_bridge, link_exists, names, routes_in_use};
use state::StateError;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// A network as the user wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkConfig {
    /// `bridge` when empty.
    pub driver: String,
    /// Its addresses; chosen when absent.
    pub subnet: Option<Ipv4Subnet>,
    /// The bridge's own address; the subnet's first when absent.
    pub gateway: Option<Ipv4Addr>,
    /// Where members' addresses are chosen from.
    pub ip_range: Option<Ipv4Subnet>,
    /// Addresses that are somebody else's, by name.
    pub auxiliary: BTreeMap<String, Ipv4Addr>,
    /// No way out.
    pub internal: bool,
    /// Metadata.
    pub labels: BTreeMap<String, String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
}

/// What the options mean.
struct Options {
    bridge: Option<String>,
    icc: bool,
    masquerade: bool,
    mtu: u32,
    host_binding: Option<IpAddr>,
    interface_prefix: Option<String>,
}

fn host(error: impl std::error::Error + Send + Sync + 'static) -> NetworkError {
    NetworkError::Host(Box::new(error))
}

impl Engine {
    /// Makes a network, and its bridge on the host.
    ///
    /// # Errors
    /// See [`NetworkError`]; nothing is left then.
    pub fn create_network(
        &self,
        name: &NetworkName,
        config: &NetworkConfig,
    ) -> Result<NetworkView, NetworkError> {
        let context = self.context();
        check_driver(&config.driver)?;
        let options = self.read_options(&config.options)?;
        if PREDEFINED.contains(&name.as_str()) {
            return Err(NetworkError::Exists { name: name.clone() });
        }
        let sockets = NetworkSockets::open(&context.instance).map_err(host)?;
        // The default one has the first choice of subnets, whenever it is needed.
        self.default_network()?;
        // Two instances must not choose the same subnet; and nobody the same bridge.
        let lock = HostLock::take(&context.roots.exec, context.euid)?;
        if self.database()?.read(|reader| reader.network_named(name.as_str()))?.is_some() {
            return Err(NetworkError::Exists { name: name.clone() });
        }
        let record = self.decide(name, config, options, &sockets)?;
        let created = clock::now_ns();
        let row = record.to_row(created)?;
        let inserted: Result<bool, StateError> =
            self.database()?.write(state::Durability::Power, |writer| writer.insert_network(&row));
        if !inserted? {
            return Err(NetworkError::Exists { name: name.clone() });
        }
        drop(lock);
        if let Err(error) = ensure_bridge(&sockets, &record.bridge) {
            // The bridge's failure is the one to tell; what is left of the record is a network like any other.
            let _ = self.forget_network(&record.bridge, &sockets);
            return Err(NetworkError::Bridge(Box::new(error)));
        }
        self.network_event("create", &record);
        self.network_view(created, &record)
    }

    fn decide(
        &self,
        name: &NetworkName,
        config: &NetworkConfig,
        options: Options,
        sockets: &NetworkSockets,
    ) -> Result<NetworkRecord, NetworkError> {
        let subnet = self.decide_subnet(config, sockets)?;
        let range = |what, inside: bool, text: String| match inside {
            true => Ok(()),
            false => Err(NetworkError::OutOfSubnet { what, text, subnet }),
        };
        let (first, last) = subnet.host_range();
        let is_host = |address: Ipv4Addr| address >= first && address <= last;
        if let Some(gateway) = config.gateway {
            range("gateway", is_host(gateway), gateway.to_string())?;
        }
        if let Some(ip_range) = config.ip_range {
            let inside = subnet.contains(ip_range.address()) && subnet.contains(ip_range.last());
            range("ip-range", inside, ip_range.to_string())?;
        }
        for (name, address) in &config.auxiliary {
            range("aux-address", subnet.contains(*address), format!("{name}={address}"))?;
        }
        let id = NetworkId::random();
        let bridge = match options.bridge {
            Some(bridge) if link_exists(sockets, &bridge).map_err(host)? => {
                return Err(NetworkError::BridgeTaken { bridge });
            }
            Some(bridge) => bridge,
            None => names::bridge(&self.context().instance, &id),
        };
        let bridge = BridgeNetwork {
            id,
            name: name.clone(),
            bridge,
            subnet,
            gateway: config.gateway.unwrap_or_else(|| subnet.default_gateway()),
            mtu: options.mtu,
            internal: config.internal,
            icc: options.icc,
            masquerade: options.masquerade,
            resolves_names: true,
        };
        Ok(NetworkRecord {
            labels: config.labels.clone(),
            options: config.options.clone(),
            ip_range: config.ip_range,
            auxiliary: config.auxiliary.clone(),
            has_own_subnet: config.subnet.is_some(),
            has_own_gateway: config.gateway.is_some(),
            host_binding: options.host_binding,
            interface_prefix: options.interface_prefix,
            ..NetworkRecord::plain(bridge)
        })
    }

    /// The subnet that was asked for, unless another network has part of it; else one that nothing on the host uses.
    fn decide_subnet(
        &self,
        config: &NetworkConfig,
        sockets: &NetworkSockets,
    ) -> Result<Ipv4Subnet, NetworkError> {
        let networks = self.recorded_networks()?;
        match config.subnet {
            Some(subnet) => {
                let other = networks.into_iter().find(|(_, other)| other.bridge.subnet.overlaps(subnet));
                other.map_or(Ok(subnet), |(_, other)| {
                    Err(NetworkError::Overlap { subnet, by: other.bridge.name, theirs: other.bridge.subnet })
                })
            }
            None => {
                let mut in_use = routes_in_use(sockets).map_err(host)?;
                in_use.extend(networks.iter().map(|(_, other)| other.bridge.subnet));
                free_subnet(&self.pools()?, &in_use).ok_or(NetworkError::NoSubnet)
            }
        }
    }

    /// Reads the options; one that would have no effect is refused.
    fn read_options(&self, given: &BTreeMap<String, String>) -> Result<Options, NetworkError> {
        let mut options = Options {
            bridge: None,
            icc: true,
            masquerade: true,
            mtu: self.context().config.mtu,
            host_binding: None,
            interface_prefix: None,
        };
        for (key, value) in given {
            let invalid = || NetworkError::OptionValue { key: key.clone(), value: value.clone() };
            let boolean = || match value.as_str() {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
                "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
                _ => Err(invalid()),
            };
            match key.as_str() {
                "com.docker.network.bridge.name" if names::is_valid_ifname(value) => {
                    options.bridge = Some(value.clone());
                }
                "com.docker.network.bridge.enable_icc" => options.icc = boolean()?,
                "com.docker.network.bridge.enable_ip_masquerade" => options.masquerade = boolean()?,
                "com.docker.network.driver.mtu" => {
                    options.mtu =
                        value.parse().ok().filter(|mtu| (68..=65535).contains(mtu)).ok_or_else(invalid)?;
                }
                "com.docker.network.bridge.host_binding_ipv4" => {
                    let address: Ipv4Addr = value.parse().map_err(|_| invalid())?;
                    options.host_binding = Some(address.into());
                }
                // Behind it come at least two digits.
                "com.docker.network.container_iface_prefix"
                    if names::is_valid_ifname(&format!("{value}00")) =>
                {
                    options.interface_prefix = Some(value.clone());
                }
                "com.docker.network.bridge.name" | "com.docker.network.container_iface_prefix" => {
                    return Err(invalid());
                }
                _ => return Err(NetworkError::Option { key: key.clone() }),
            }
        }
        Ok(options)
    }

    pub(crate) fn network_event(&self, action: &str, record: &NetworkRecord) {
        let network = &record.bridge;
        let event = Event::now("network", action, network.id.as_str())
            .with("name", network.name.to_string())
            .with("type", "bridge");
        self.event(&event);
    }
}

fn check_driver(driver: &str) -> Result<(), NetworkError> {
    match driver {
        "" | "bridge" => Ok(()),
        "host" | "null" => Err(NetworkError::OnlyOne { driver: driver.to_owned() }),
        other => Err(NetworkError::Driver { driver: other.to_owned() }),
    }
}
