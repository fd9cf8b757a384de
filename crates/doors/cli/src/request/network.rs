//! `--network` and what belongs to it.

use super::refuse;
use crate::args::Typed;
use crate::failure::Failure;
use crate::parse::{self, NetworkFlag};
use docker_model::{EndpointIpamConfig, EndpointSettings, NetworkingConfig};

/// The network mode, and the settings of the attachment.
pub(super) fn networks(typed: &Typed) -> Result<(String, NetworkingConfig), Failure> {
    let mut flags = typed.parsed_list("network", parse::network)?;
    if flags.len() > 1 {
        return Err(refuse(
            "more than one --network is not supported by this version of sampan: name the one it needs",
        ));
    }
    let mut flag =
        flags.pop().unwrap_or_else(|| NetworkFlag { target: "default".to_owned(), ..Default::default() });
    flag.aliases.extend(typed.list("network-alias").into_iter().map(str::to_owned));
    flag.ip = one_of(flag.ip, typed.text("ip"), "--ip", "--network ip=")?;
    flag.mac_address =
        one_of(flag.mac_address, typed.text("mac-address"), "--mac-address", "--network mac-address=")?;
    if flag.aliases.is_empty() && flag.ip.is_none() && flag.mac_address.is_none() {
        return Ok((flag.target, NetworkingConfig::default()));
    }
    let shared = flag.target.starts_with("container:");
    if shared || matches!(flag.target.as_str(), "host" | "none") {
        return Err(refuse(format!(
            "conflicting options: --network {} has no address, hardware address or alias of its own",
            flag.target
        )));
    }
    let ipam = flag.ip.map(|ip| EndpointIpamConfig { ipv4_address: ip, ..EndpointIpamConfig::default() });
    let settings = EndpointSettings {
        ipam_config: ipam,
        aliases: Some(flag.aliases).filter(|aliases| !aliases.is_empty()),
        mac_address: flag.mac_address.unwrap_or_default(),
        ..EndpointSettings::default()
    };
    let endpoints_config = [(flag.target.clone(), settings)].into();
    Ok((flag.target, NetworkingConfig { endpoints_config }))
}

fn one_of(
    long: Option<String>,
    short: Option<&str>,
    short_name: &str,
    long_name: &str,
) -> Result<Option<String>, Failure> {
    match (long, short) {
        (Some(_), Some(_)) => Err(refuse(format!("conflicting options: {short_name} and {long_name}"))),
        (long, short) => Ok(long.or_else(|| short.map(str::to_owned))),
    }
}
