//! The engine's networks in Docker's words.

use docker_model::{
    ConfigReference, Ipam, IpamConfig, NetworkInspect, NetworkMember as WireMember, ZERO_TIME,
};
use engine::networks::{NetworkMember, NetworkView};
use std::collections::BTreeMap;

/// `GET /networks/{id}`.
pub(crate) fn network(view: &NetworkView, members: &[NetworkMember]) -> NetworkInspect {
    NetworkInspect {
        name: view.name.clone(),
        id: view.id.to_string(),
        created: created(view),
        scope: "local".to_owned(),
        driver: view.driver.to_owned(),
        enable_ipv4: true,
        enable_ipv6: false,
        ipam: ipam(view),
        internal: view.internal,
        attachable: false,
        ingress: false,
        config_from: ConfigReference::default(),
        config_only: false,
        containers: members.iter().map(|member| (member.id.to_string(), wire_member(member))).collect(),
        options: view.options.clone(),
        labels: view.labels.clone(),
    }
}

/// RFC 3339; year 1 for what was always there.
pub(crate) fn created(view: &NetworkView) -> String {
    if view.created.is_empty() { ZERO_TIME.to_owned() } else { view.created.clone() }
}

fn ipam(view: &NetworkView) -> Ipam {
    let config = view.addresses.as_ref().map(|addresses| IpamConfig {
        subnet: addresses.subnet.to_string(),
        ip_range: addresses.ip_range.map(|range| range.to_string()).unwrap_or_default(),
        gateway: addresses.gateway.to_string(),
        auxiliary_addresses: addresses
            .auxiliary
            .iter()
            .map(|(name, address)| (name.clone(), address.to_string()))
            .collect(),
    });
    let options = (!view.is_predefined).then(BTreeMap::new);
    // Those without addresses have no list in Docker either.
    Ipam { driver: "default".to_owned(), options, config: config.map(|config| vec![config]) }
}

fn wire_member(member: &NetworkMember) -> WireMember {
    let endpoint = &member.endpoint;
    WireMember {
        name: member.name.to_string(),
        endpoint_id: endpoint.id.to_string(),
        mac_address: endpoint.mac.to_string(),
        ipv4_address: format!("{}/{}", endpoint.address, endpoint.prefix_len),
        ipv6_address: String::new(),
    }
}
