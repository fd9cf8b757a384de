//! A container's place in its networks.

use super::network_mode;
use docker_model::{EndpointSettings, NetworkSettings, PortBinding, PortMap};
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
        .map(|endpoint| (endpoint.network.name.to_string(), settings(endpoint, running)))
        .collect()
}

/// Addresses are shown while the container runs, as in Docker.
fn settings(endpoint: &EndpointConfig, running: bool) -> EndpointSettings {
    let network_id = endpoint.network.id.to_string();
    if !running {
        return EndpointSettings { network_id, ..EndpointSettings::default() };
    }
    EndpointSettings {
        network_id,
        mac_address: endpoint.mac.to_string(),
        endpoint_id: endpoint.id.to_string(),
        gateway: endpoint.network.gateway.to_string(),
        ip_address: endpoint.address.to_string(),
        ip_prefix_len: endpoint.prefix_len.into(),
        aliases: (!endpoint.aliases.is_empty()).then(|| endpoint.aliases.clone()),
        ..EndpointSettings::default()
    }
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
