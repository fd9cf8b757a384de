//! A container's place in its networks.

use super::network_mode;
use docker_model::{EndpointIpamConfig, EndpointSettings, NetworkSettings, PortBinding, PortMap};
use engine::EndpointConfig;
use engine::model::{ContainerView, NetworkChoice};
use std::collections::BTreeMap;

/// `NetworkSettings.Networks`, also of `ps`.
pub(super) fn endpoints(view: &ContainerView) -> BTreeMap<String, EndpointSettings> {
    if view.endpoints.is_empty() && !matches!(view.config.network, NetworkChoice::Container(_)) {
        return BTreeMap::from([(network_mode(&view.config.network), EndpointSettings::default())]);
    }
    let running = view.state.has_processes();
    view.endpoints
        .iter()
        .map(|endpoint| (endpoint.network.name.to_string(), settings(view, endpoint, running)))
        .collect()
}

/// Addresses are shown while the container runs, as in Docker.
fn settings(view: &ContainerView, endpoint: &EndpointConfig, running: bool) -> EndpointSettings {
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let asked = EndpointSettings {
        ipam_config: endpoint.is_fixed.then(|| EndpointIpamConfig {
            ipv4_address: endpoint.address.to_string(),
            ..EndpointIpamConfig::default()
        }),
        links: some(&endpoint.links),
        aliases: some(&endpoint.aliases),
        gw_priority: endpoint.gateway_priority,
        network_id: endpoint.network.id.to_string(),
        dns_names: endpoint.network.resolves_names.then(|| dns_names(view, endpoint)),
        ..EndpointSettings::default()
    };
    if !running {
        return asked;
    }
    EndpointSettings {
        mac_address: endpoint.mac.to_string(),
        endpoint_id: endpoint.id.to_string(),
        gateway: if endpoint.network.internal { String::new() } else { endpoint.network.gateway.to_string() },
        ip_address: endpoint.address.to_string(),
        ip_prefix_len: endpoint.prefix_len.into(),
        ..asked
    }
}

/// Under which names others find it, as its monitor publishes them.
fn dns_names(view: &ContainerView, endpoint: &EndpointConfig) -> Vec<String> {
    let mut names = vec![view.name.to_string()];
    let more = endpoint.aliases.iter().cloned();
    for name in more.chain([view.id.short().to_owned(), view.effective.hostname.clone()]) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `NetworkSettings` of `inspect`.
pub(super) fn network_settings(view: &ContainerView) -> NetworkSettings {
    let networks = endpoints(view);
    let running = view.state.has_processes();
    let bridge = networks.get("bridge").cloned().unwrap_or_default();
    let pid = view.started.as_ref().filter(|_| running).map(|started| started.pid);
    NetworkSettings {
        sandbox_id: if running { view.id.to_string() } else { String::new() },
        sandbox_key: pid.map(|pid| format!("/proc/{pid}/ns/net")).unwrap_or_default(),
        ports: if running { port_map(view) } else { PortMap::new() },
        endpoint_id: bridge.endpoint_id,
        gateway: bridge.gateway,
        ip_address: bridge.ip_address,
        ip_prefix_len: bridge.ip_prefix_len,
        mac_address: bridge.mac_address,
        networks,
        ..NetworkSettings::default()
    }
}

/// Ports in force by `port/protocol`; exposed ones that are not published have `null`.
fn port_map(view: &ContainerView) -> PortMap {
    let mut map: PortMap = view
        .effective
        .exposed_ports
        .iter()
        .map(|port| (format!("{}/{}", port.port, port.protocol), None))
        .collect();
    for mapping in &view.ports {
        for host_port in mapping.host_port..=mapping.host_port_end {
            let port = mapping.container_port + (host_port - mapping.host_port);
            let binding =
                PortBinding { host_ip: mapping.host_ip.to_string(), host_port: host_port.to_string() };
            map.entry(format!("{port}/{}", mapping.protocol))
                .or_default()
                .get_or_insert_default()
                .push(binding);
        }
    }
    map
}
