//! `--network` and what belongs to it.

use super::refuse;
use crate::args::Typed;
use crate::failure::Failure;
use crate::parse::{self, NetworkFlag};
use docker_model::{EndpointIpamConfig, EndpointSettings, NetworkingConfig};

/// The network mode, and the settings of the attachments.
pub(super) fn networks(typed: &Typed) -> Result<(String, NetworkingConfig), Failure> {
    let mut flags = typed.parsed_list("network", parse::network)?;
    let several = flags.len() > 1;
    if flags.is_empty() {
        flags.push(NetworkFlag { target: "default".to_owned(), ..NetworkFlag::default() });
    }
    if several
        && flags.iter().any(NetworkFlag::is_user_defined) != flags.iter().all(NetworkFlag::is_user_defined)
    {
        return Err(refuse(
            "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
        ));
    }
    apply(&mut flags[0], typed)?;
    let mode = flags[0].target.clone();
    let mut config = NetworkingConfig::default();
    for flag in flags {
        check(&flag)?;
        let (target, settings) = (flag.target.clone(), settings(flag));
        if config.endpoints_config.contains_key(&target) {
            return Err(refuse(format!("network {target:?} is specified multiple times")));
        }
        if several || settings != EndpointSettings::default() {
            config.endpoints_config.insert(target, settings);
        }
    }
    Ok((mode, config))
}

/// The flags of their own mean the first network.
fn apply(flag: &mut NetworkFlag, typed: &Typed) -> Result<(), Failure> {
    let owned = |list: Vec<&str>| -> Vec<String> { list.into_iter().map(str::to_owned).collect() };
    let aliases = owned(typed.list("network-alias"));
    let links = typed.parsed_list("link", parse::link)?;
    let both = |short: &str, long: &str| {
        Err(refuse(format!("conflicting options: cannot specify both {short} and per-network {long}")))
    };
    if !aliases.is_empty() && !flag.aliases.is_empty() {
        return both("--network-alias", "alias");
    }
    flag.aliases.extend(aliases);
    if flag.is_user_defined() {
        flag.links.extend(links);
    }
    match (&flag.ip, typed.text("ip")) {
        (Some(_), Some(_)) => return both("--ip", "IPv4 address"),
        (None, Some(ip)) => flag.ip = Some(ip.to_owned()),
        _ => {}
    }
    match (&flag.mac_address, typed.text("mac-address")) {
        (Some(_), Some(_)) => return both("--mac-address", "MAC address"),
        (None, Some(mac)) => flag.mac_address = Some(mac.to_owned()),
        _ => {}
    }
    Ok(())
}

fn check(flag: &NetworkFlag) -> Result<(), Failure> {
    if !flag.aliases.is_empty() && !flag.is_user_defined() {
        return Err(refuse("network-scoped aliases are only supported for user-defined networks"));
    }
    let asks = flag.ip.is_some() || flag.mac_address.is_some() || flag.gateway_priority != 0;
    let shared = flag.target.starts_with("container:") || matches!(flag.target.as_str(), "host" | "none");
    if asks && shared {
        return Err(refuse(format!(
            "conflicting options: --network {} has no address, hardware address or gateway of its own",
            flag.target
        )));
    }
    Ok(())
}

fn settings(flag: NetworkFlag) -> EndpointSettings {
    let ipam = flag.ip.map(|ip| EndpointIpamConfig { ipv4_address: ip, ..EndpointIpamConfig::default() });
    EndpointSettings {
        ipam_config: ipam,
        aliases: Some(flag.aliases).filter(|aliases| !aliases.is_empty()),
        links: Some(flag.links).filter(|links| !links.is_empty()),
        mac_address: flag.mac_address.unwrap_or_default(),
        gw_priority: flag.gateway_priority,
        ..EndpointSettings::default()
    }
}
