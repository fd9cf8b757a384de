//! `network connect` and `network disconnect`: existing containers on networks.

use crate::args::{Arity, Refused, Typed, Verb, list, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::parse;
use clap::Command;
use docker_model::{EndpointIpamConfig, EndpointSettings};

const fn flag(name: &'static str, reason: &'static str) -> Refused {
    Refused { name, short: '\0', reason }
}

/// `network connect`.
pub(crate) static NETWORK_CONNECT: Verb = Verb {
    name: "connect",
    spellings: &["sampan network connect"],
    usage: "[OPTIONS] NETWORK CONTAINER",
    about: "Connect a container to a network",
    define: define_connect,
    refused: &[
        flag("driver-opt", "attachments have no options of a driver"),
        flag("ip6", "containers have IPv4 addresses only; use --ip"),
        flag("link-local-ip", "containers have one address on a network; use --ip"),
    ],
    arity: Arity::Exactly(2),
    run: run_connect,
};

/// `network disconnect`.
pub(crate) static NETWORK_DISCONNECT: Verb = Verb {
    name: "disconnect",
    spellings: &["sampan network disconnect"],
    usage: "[OPTIONS] NETWORK CONTAINER",
    about: "Disconnect a container from a network",
    define: |command| command.arg(switch("force", 'f', "Do not complain about a network that is gone")),
    refused: &[],
    arity: Arity::Exactly(2),
    run: run_disconnect,
};

fn define_connect(command: Command) -> Command {
    command
        .arg(list("alias", '\0', "strings", "Add network-scoped alias for the container"))
        .arg(text(
            "gw-priority",
            '\0',
            "int",
            "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
        ))
        .arg(text("ip", '\0', "string", "IPv4 address (e.g., \"172.30.100.104\")"))
        .arg(list("link", '\0', "list", "Add link to another container"))
}

fn run_connect(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let (network, container) = names(typed);
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let aliases = typed.list("alias").into_iter().flat_map(|text| text.split(',')).map(str::to_owned);
    let ipam = typed
        .text("ip")
        .map(|ip| EndpointIpamConfig { ipv4_address: ip.to_owned(), ..EndpointIpamConfig::default() });
    let settings = EndpointSettings {
        ipam_config: ipam,
        aliases: some(aliases.collect()),
        links: some(typed.parsed_list("link", parse::link)?),
        gw_priority: typed.parsed("gw-priority", parse::integer)?.unwrap_or(0),
        ..EndpointSettings::default()
    };
    context.client()?.connect(network, container, &settings)?;
    Ok(0)
}

fn run_disconnect(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let (network, container) = names(typed);
    context.client()?.disconnect(network, container, typed.is_on("force"))?;
    Ok(0)
}

fn names(typed: &Typed) -> (&str, &str) {
    (typed.argument(0).unwrap_or_default(), typed.argument(1).unwrap_or_default())
}
