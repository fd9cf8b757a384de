//! `network create`: makes a network.

use crate::args::{Arity, Refused, Typed, Verb, list, switch, text};
use crate::client::{InvalidSubnet, Ipv4Subnet, NetworkConfig};
use crate::context::Context;
use crate::failure::Failure;
use crate::parse::key_values;
use clap::Command;
use ids::NetworkName;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const fn flag(name: &'static str, reason: &'static str) -> Refused {
    Refused { name, short: '\0', reason }
}

/// The verb.
pub(crate) static NETWORK_CREATE: Verb = Verb {
    name: "create",
    spellings: &["sampan network create"],
    usage: "[OPTIONS] NETWORK",
    about: "Create a network",
    define,
    refused: &[
        flag("attachable", "it is for networks of a swarm"),
        flag("config-from", "it is for networks of a swarm"),
        flag("config-only", "it is for networks of a swarm"),
        flag("ingress", "it is for networks of a swarm"),
        flag("ipam-driver", "addresses are chosen by sampan itself"),
        flag("ipam-opt", "addresses are chosen by sampan itself"),
        flag("ipv4", "networks have IPv4 addresses always"),
        flag("ipv6", "networks have IPv4 addresses only"),
        flag("scope", "networks are of this host"),
    ],
    arity: Arity::Exactly(1),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(list("aux-address", '\0', "map", "Auxiliary IPv4 addresses used by others on the network"))
        .arg(text("driver", 'd', "string", "Driver to manage the Network").default_value("bridge"))
        .arg(list("gateway", '\0', "strings", "IPv4 Gateway for the master subnet"))
        .arg(switch("internal", '\0', "Restrict external access to the network"))
        .arg(list("ip-range", '\0', "strings", "Allocate container ip from a sub-range"))
        .arg(list("label", '\0', "list", "Set metadata on a network"))
        .arg(list("opt", 'o', "map", "Set driver specific options"))
        .arg(list("subnet", '\0', "strings", "Subnet in CIDR format that represents a network segment"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let name = NetworkName::parse(typed.argument(0).unwrap_or_default());
    let name = name.map_err(|error| Failure::of(&error))?;
    let config = NetworkConfig {
        driver: typed.text_or_empty("driver"),
        subnet: one(typed, "subnet")?.map(|text| exact_subnet(&text)).transpose()?,
        gateway: one(typed, "gateway")?.map(|text| address("gateway", &text)).transpose()?,
        ip_range: one(typed, "ip-range")?.map(|text| subnet(&text)).transpose()?,
        auxiliary: auxiliary(typed)?,
        internal: typed.is_on("internal"),
        labels: labels(typed),
        options: pairs(typed, "opt")?,
    };
    if config.subnet.is_none() {
        if let Some(range) = config.ip_range {
            return Err(Failure::new(format!("no matching subnet for range {range}")));
        }
        if let Some(gateway) = config.gateway {
            return Err(Failure::new(format!("no matching subnet for gateway {gateway}")));
        }
        if let Some(address) = config.auxiliary.values().next() {
            return Err(Failure::new(format!("no matching subnet for aux-address {address}")));
        }
    }
    context.line(&context.client()?.create_network(&name, &config)?)?;
    Ok(0)
}

/// The one value of a flag that may be repeated for further subnets, of which a bridge has none. Values may be joined
/// by commas.
fn one(typed: &Typed, flag: &str) -> Result<Option<String>, Failure> {
    let values: Vec<&str> = typed.list(flag).into_iter().flat_map(|text| text.split(',')).collect();
    match values[..] {
        [] => Ok(None),
        [value] => Ok(Some(value.trim().to_owned())),
        _ => Err(Failure::new(format!("bridge driver doesn't support multiple subnets: give --{flag} once"))),
    }
}

fn subnet(text: &str) -> Result<Ipv4Subnet, Failure> {
    Ipv4Subnet::parse(text).map_err(|error: InvalidSubnet| Failure::of(&error))
}

/// One without bits behind the prefix, as Docker wants it.
fn exact_subnet(text: &str) -> Result<Ipv4Subnet, Failure> {
    let parsed = subnet(text)?;
    let given = text.split_once('/').and_then(|(address, _)| address.parse::<Ipv4Addr>().ok());
    if given.is_some_and(|given| given != parsed.address()) {
        return Err(Failure::new(format!("invalid subnet {text}: it should be {parsed}")));
    }
    Ok(parsed)
}

fn address(what: &str, text: &str) -> Result<Ipv4Addr, Failure> {
    text.parse().map_err(|_| Failure::new(format!("invalid {what} {text:?}: expected an IPv4 address")))
}

fn auxiliary(typed: &Typed) -> Result<BTreeMap<String, Ipv4Addr>, Failure> {
    let pairs = pairs(typed, "aux-address")?.into_iter();
    pairs.map(|(name, text)| address("aux-address", &text).map(|address| (name, address))).collect()
}

/// A label without a value has an empty one.
fn labels(typed: &Typed) -> BTreeMap<String, String> {
    let pair = |label: &str| {
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        (key.to_owned(), value.to_owned())
    };
    typed.list("label").into_iter().map(pair).collect()
}

fn pairs(typed: &Typed, flag: &str) -> Result<docker_model::StringMap, Failure> {
    let texts = typed.list(flag);
    key_values(&texts).map_err(|error| typed.invalid(flag, &texts.join(","), Box::new(error)).into())
}
