//! The bridge of a network, from nothing to ready, and away again.

use crate::{BridgeNetwork, MacAddr, NetworkSockets, firewall, names};
use kernel::netlink::link::Link;
use kernel::netlink::{Batch, NetlinkError, address, link};
use kernel::nft::NftError;
use rustix::io::Errno;
use std::io;
use std::time::Duration;

const IP_FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
/// The smallest that IPv4 allows (RFC 791) and the largest that fits a header.
const MTU: std::ops::RangeInclusive<u32> = 68..=65535;
/// How long a bridge without an owner's mark is given to get one: its maker marks it in the next system call.
const MARK_TRIES: u32 = 20;
const MARK_WAIT: Duration = Duration::from_millis(2);

/// A bridge could not be made or removed.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The plan cannot be carried out on any host.
    #[error("network {network}: {rule}")]
    Invalid {
        /// The network's name.
        network: String,
        /// The rule it breaks, in words.
        rule: &'static str,
    },
    /// The name belongs to somebody else.
    #[error("interface {bridge} exists and is not ours ({what}); remove it or choose another bridge name")]
    Taken {
        /// The interface.
        bridge: String,
        /// What it is, in words.
        what: String,
    },
    /// An interface operation failed.
    #[error("cannot {step} bridge {bridge}")]
    Link {
        /// What was being done.
        step: &'static str,
        /// The interface.
        bridge: String,
        /// Why not.
        #[source]
        source: NetlinkError,
    },
    /// Forwarding is off and cannot be switched on.
    #[error("cannot switch on IPv4 forwarding in {IP_FORWARD}")]
    Forwarding(#[source] io::Error),
    /// The packet filter could not be written.
    #[error("cannot change the nf_tables table {table}")]
    Rules {
        /// The table.
        table: String,
        /// Why not.
        #[source]
        source: NftError,
    },
}

/// Makes the network's bridge with its address, switches forwarding on and enters the network in the packet filter.
///
/// Does nothing where all is in place, completes what is missing (after a reboot, a flush of the rules, a crash), and
/// may run in several processes at once. A bridge that this call made is removed again when a later step fails.
///
/// # Errors
/// See [`BridgeError`].
pub fn ensure_bridge(sockets: &NetworkSockets, network: &BridgeNetwork) -> Result<(), BridgeError> {
    check(network)?;
    let rules = |source| BridgeError::Rules { table: sockets.table.clone(), source };
    if let Some(found) = find(sockets, &network.bridge)?
        && found.is_up
        && found.alias.as_deref() == Some(&mark(sockets, network))
        && firewall::has_network(sockets, network).map_err(rules)?
    {
        return enable_forwarding(network);
    }
    let made = make(sockets, network)?;
    let rest = configure(sockets, network)
        .and_then(|()| enable_forwarding(network))
        .and_then(|()| firewall::add_network(sockets, network).map_err(rules));
    if rest.is_err() && made {
        let mut batch = Batch::new();
        link::delete(&mut batch, &network.bridge);
        // The first error is the one to report; a leftover carries our mark and is found by repair.
        let _ = sockets.route.execute(&mut batch);
    }
    rest
}

/// Removes the network from the packet filter and its bridge from the host. What is not there is no error; a bridge
/// that is not ours stays. Published ports must be gone already.
///
/// # Errors
/// See [`BridgeError`].
pub fn remove_bridge(sockets: &NetworkSockets, network: &BridgeNetwork) -> Result<(), BridgeError> {
    let found = find(sockets, &network.bridge)?;
    if found.is_some_and(|found| is_ours(sockets, &found, network)) {
        let mut batch = Batch::new();
        link::delete(&mut batch, &network.bridge);
        let answers = sockets.route.exchange(&mut batch, &mut |_, _, _| {});
        answers
            .and_then(|answers| answers.unless(|_, errno| errno == Errno::NODEV))
            .map_err(|source| BridgeError::Link { step: "remove", bridge: network.bridge.clone(), source })?;
    }
    firewall::remove_network(sockets, network)
        .map_err(|source| BridgeError::Rules { table: sockets.table.clone(), source })
}

fn check(network: &BridgeNetwork) -> Result<(), BridgeError> {
    let invalid = |rule| Err(BridgeError::Invalid { network: network.name.to_string(), rule });
    let (first, last) = network.subnet.host_range();
    if !names::is_valid_ifname(&network.bridge) {
        return invalid("a bridge name has 1 to 15 bytes, without spaces, slashes and colons");
    }
    if network.gateway < first || network.gateway > last {
        return invalid("the gateway is no host address of the subnet");
    }
    if !MTU.contains(&network.mtu) {
        return invalid("the mtu must be from 68 to 65535");
    }
    Ok(())
}

/// The text for people that says whose the bridge is.
fn mark(sockets: &NetworkSockets, network: &BridgeNetwork) -> String {
    format!("{}{}", mark_prefix(sockets), network.id)
}

/// What the mark of every bridge of the instance starts with.
pub(crate) fn mark_prefix(sockets: &NetworkSockets) -> String {
    format!("sampan {} network ", sockets.instance)
}

pub(crate) fn find(sockets: &NetworkSockets, name: &str) -> Result<Option<Link>, BridgeError> {
    let mut found = None;
    let mut batch = Batch::new();
    link::get(&mut batch, name);
    sockets
        .route
        .exchange(&mut batch, &mut |_, kind, payload| found = Link::parse(kind, payload))
        .and_then(|answers| answers.unless(|_, errno| errno == Errno::NODEV))
        .map_err(|source| BridgeError::Link { step: "look for", bridge: name.to_owned(), source })?;
    Ok(found)
}

fn is_ours(sockets: &NetworkSockets, found: &Link, network: &BridgeNetwork) -> bool {
    let named_by_us = network.bridge == names::DEFAULT_BRIDGE
        || network.bridge.starts_with(&names::bridge_prefix(&sockets.instance));
    let marked = match &found.alias {
        Some(alias) => *alias == mark(sockets, network),
        // A maker that was killed before it could mark its bridge.
        None => named_by_us,
    };
    marked && found.kind.as_deref() == Some("bridge")
}

/// Makes the bridge; `false` when it was there and is ours.
fn make(sockets: &NetworkSockets, network: &BridgeNetwork) -> Result<bool, BridgeError> {
    let mut batch = Batch::new();
    link::add_bridge(&mut batch, &network.bridge, MacAddr::from_ipv4(network.gateway).octets(), network.mtu);
    match sockets.route.execute(&mut batch) {
        Ok(()) => Ok(true),
        Err(error) if error.errno() == Some(Errno::EXIST) => {
            accept_existing(sockets, network).map(|()| false)
        }
        Err(source) => Err(BridgeError::Link { step: "create", bridge: network.bridge.clone(), source }),
    }
}

fn accept_existing(sockets: &NetworkSockets, network: &BridgeNetwork) -> Result<(), BridgeError> {
    for tried in 0.. {
        let Some(found) = find(sockets, &network.bridge)? else { break };
        if is_ours(sockets, &found, network) {
            return Ok(());
        }
        if found.alias.is_none() && found.kind.as_deref() == Some("bridge") && tried < MARK_TRIES {
            std::thread::sleep(MARK_WAIT);
            continue;
        }
        let kind = found.kind.unwrap_or_else(|| "a device".to_owned());
        let what = found.alias.map_or(kind.clone(), |alias| format!("{kind}, {alias:?}"));
        return Err(BridgeError::Taken { bridge: network.bridge.clone(), what });
    }
    Err(BridgeError::Taken {
        bridge: network.bridge.clone(),
        what: "removed while it was being looked at".to_owned(),
    })
}

/// Address, mark and `route_localnet`, which lets this host's loopback reach published ports; the packet filter's
/// guard keeps the members from reaching the host's loopback in turn.
fn configure(sockets: &NetworkSockets, network: &BridgeNetwork) -> Result<(), BridgeError> {
    let failed = |step, source| BridgeError::Link { step, bridge: network.bridge.clone(), source };
    let index = find(sockets, &network.bridge)?.map(|found| found.index).unwrap_or_default();
    let subnet = network.subnet;
    let broadcast = (subnet.prefix_len() < 31).then(|| subnet.last());
    let mut batch = Batch::new();
    link::set_bridge(&mut batch, index, &mark(sockets, network), true);
    address::add(&mut batch, index, network.gateway, subnet.prefix_len(), broadcast);
    sockets
        .route
        .exchange(&mut batch, &mut |_, _, _| {})
        .and_then(|answers| answers.unless(|place, errno| place == 1 && errno == Errno::EXIST))
        .map_err(|source| failed("configure", source))
}

/// Switches forwarding on for the host, unless the network needs none. It is never switched off again: others may
/// have come to rely on it.
fn enable_forwarding(network: &BridgeNetwork) -> Result<(), BridgeError> {
    if network.internal {
        return Ok(());
    }
    match std::fs::read(IP_FORWARD) {
        Ok(value) if value.first() != Some(&b'0') => Ok(()),
        _ => std::fs::write(IP_FORWARD, "1").map_err(BridgeError::Forwarding),
    }
}
