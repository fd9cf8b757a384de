//! The attachment of a sandbox to a network: a veth pair from the bridge into the sandbox's network namespace.

use crate::bridge::{self, BridgeError};
use crate::sockets::EnterError;
use crate::{BridgeNetwork, EndpointConfig, NamespaceSocket, NetworkSockets, names};
use kernel::netlink::link::{Link, PortMode, VethPair};
use kernel::netlink::{Batch, NetlinkError, Socket, address, link, route};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// br_netfilter's switch, absent where the kernel does not have it loaded.
const BRIDGE_FILTER: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";

/// How long a kernel before 6.9 is given to bring the port to life; later ones do it while they are asked.
const RUNNING_TRIES: u32 = 50;
const RUNNING_WAIT: Duration = Duration::from_micros(200);

/// An endpoint could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The plan cannot be carried out on any host.
    #[error("endpoint of network {network}: {rule}")]
    Invalid {
        /// The network's name.
        network: String,
        /// The rule it breaks, in words.
        rule: &'static str,
    },
    /// The bridge is missing.
    #[error("bridge {bridge} of network {network} does not exist")]
    NoBridge {
        /// The network's name.
        network: String,
        /// The interface.
        bridge: String,
    },
    /// The bridge could not be looked up.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// The namespace could not be entered.
    #[error(transparent)]
    Enter(#[from] EnterError),
    /// The interface's name is taken inside.
    #[error("interface {name} exists in the sandbox already")]
    NameTaken {
        /// The name inside.
        name: String,
    },
    /// A step on the host failed.
    #[error("cannot {step} {name}")]
    Host {
        /// What was being done.
        step: &'static str,
        /// The host's end.
        name: String,
        /// Why not.
        #[source]
        source: NetlinkError,
    },
    /// A step inside the namespace failed.
    #[error("cannot {step} {name} in the sandbox")]
    Inside {
        /// What was being done.
        step: &'static str,
        /// The container's end.
        name: String,
        /// Why not.
        #[source]
        source: NetlinkError,
    },
}

/// What an attachment made on the host, to be undone with [`detach_endpoint`] where the namespace lives on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Attached {
    /// The host's end of the pair.
    pub host_ifname: String,
}

/// Attaches the sandbox of `netns` as planned: the pair, the bridge port, and inside the name, hardware address,
/// address, loopback and, if the network has a way out, the default route.
///
/// The calling thread visits `netns` and is back when this returns. Nothing stays behind on failure. A host end of
/// that name that a former sandbox left is replaced.
///
/// # Errors
/// See [`AttachError`]; after [`EnterError::Stranded`] the thread must not be used any more.
pub fn attach_endpoint(
    sockets: &NetworkSockets,
    config: &EndpointConfig,
    netns: BorrowedFd<'_>,
) -> Result<Attached, AttachError> {
    check(config)?;
    let inside = NamespaceSocket::enter(sockets, netns)?;
    attach_endpoint_through(sockets, config, netns, &inside, !config.network.internal)
}

/// As [`attach_endpoint`] with a socket that was opened in `netns` before, so that no namespace is switched.
/// `is_gateway` says whether the default route leads through this endpoint, in place of another one; see
/// [`crate::gateway_endpoint`].
///
/// # Errors
/// See [`AttachError`].
pub fn attach_endpoint_through(
    sockets: &NetworkSockets,
    config: &EndpointConfig,
    netns: BorrowedFd<'_>,
    inside: &NamespaceSocket,
    is_gateway: bool,
) -> Result<Attached, AttachError> {
    check(config)?;
    let network = &config.network;
    let bridge = bridge::find(sockets, &network.bridge)?.ok_or_else(|| AttachError::NoBridge {
        network: network.name.to_string(),
        bridge: network.bridge.clone(),
    })?;
    create_pair(sockets, config, bridge.index, netns)?;
    let attached = Attached { host_ifname: config.host_ifname.clone() };
    let rest = configure_inside(&inside.route, config, is_gateway)
        .and_then(|()| wait_until_running(sockets, config));
    if rest.is_err() {
        // The first error is the one to report; the name is the endpoint's own, so repair finds a leftover.
        let _ = detach_endpoint(sockets, &attached.host_ifname);
    }
    rest.map(|()| attached)
}

/// Brings up the loopback interface, all that `--network none` has.
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn configure_loopback(inside: &NamespaceSocket) -> Result<(), NetlinkError> {
    let mut batch = Batch::new();
    link::set_up(&mut batch, link::LOOPBACK);
    inside.route.execute(&mut batch)
}

/// Deletes a host end and with it the pair; one that is gone is no error.
///
/// The kernel takes 20 to 30 ms for it. Where the sandbox's namespace ends anyway, its end takes the pair along in
/// the background: this is for detaching a living sandbox, and for repair.
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn detach_endpoint(sockets: &NetworkSockets, host_ifname: &str) -> Result<(), NetlinkError> {
    let mut batch = Batch::new();
    link::delete(&mut batch, host_ifname);
    sockets.route.exchange(&mut batch, &mut |_, _, _| {})?.unless(|_, errno| errno == Errno::NODEV)
}

/// The host's end, its bridge port and, with the first port, the bridge itself come to life when the kernel has acted
/// on the other end's coming up, in the background. A container that sends its first packet before would lose it, and
/// wait a second for the next. In this order, since the bridge follows its port.
fn wait_until_running(sockets: &NetworkSockets, config: &EndpointConfig) -> Result<(), AttachError> {
    for _ in 0..RUNNING_TRIES {
        let mut running = 0;
        let mut batch = Batch::new();
        link::get(&mut batch, &config.host_ifname);
        link::get(&mut batch, &config.network.bridge);
        let mut on_object = |_, kind, payload: &[u8]| {
            running += usize::from(Link::parse(kind, payload).is_some_and(|link| link.is_running));
        };
        sockets
            .route
            .exchange(&mut batch, &mut on_object)
            .and_then(kernel::netlink::Answers::all_done)
            .map_err(|source| AttachError::Host {
                step: "look at",
                name: config.host_ifname.clone(),
                source,
            })?;
        if running == 2 {
            return Ok(());
        }
        std::thread::sleep(RUNNING_WAIT);
    }
    // Not worth failing for: at worst a packet comes late.
    Ok(())
}

fn check(config: &EndpointConfig) -> Result<(), AttachError> {
    let invalid = |rule| Err(AttachError::Invalid { network: config.network.name.to_string(), rule });
    if !names::is_valid_ifname(&config.host_ifname) || !names::is_valid_ifname(&config.container_ifname) {
        return invalid("an interface name has 1 to 15 bytes, without spaces, slashes and colons");
    }
    if !config.network.subnet.contains(config.address) || config.prefix_len > 32 {
        return invalid("the address is not in the network's subnet");
    }
    Ok(())
}

fn create_pair(
    sockets: &NetworkSockets,
    config: &EndpointConfig,
    master: u32,
    netns: BorrowedFd<'_>,
) -> Result<(), AttachError> {
    let mode = port_mode(&config.network);
    let create = || {
        let mut batch = Batch::new();
        let pair = VethPair {
            name: &config.host_ifname,
            master,
            mtu: config.network.mtu,
            peer_name: &config.container_ifname,
            peer_mac: config.mac.octets(),
            peer_namespace: netns,
        };
        link::add_veth(&mut batch, &pair);
        if mode != PortMode::default() {
            link::set_port_mode(&mut batch, &config.host_ifname, mode);
        }
        sockets.route.exchange(&mut batch, &mut |_, _, _| {})
    };
    let failed = |step, source| AttachError::Host { step, name: config.host_ifname.clone(), source };
    let mut answers = create().map_err(|source| failed("create", source))?;
    if answers.refused_with(0, Errno::EXIST) {
        // Either the host's name is taken, by this endpoint's former pair, or the name inside.
        if bridge::find(sockets, &config.host_ifname)?.is_none() {
            return Err(AttachError::NameTaken { name: config.container_ifname.clone() });
        }
        detach_endpoint(sockets, &config.host_ifname).map_err(|source| failed("replace", source))?;
        answers = create().map_err(|source| failed("create", source))?;
    }
    let created = !answers.refusals.iter().any(|(place, _)| *place == 0);
    let done =
        answers.all_done().map_err(|source| failed(if created { "configure" } else { "create" }, source));
    if done.is_err() && created {
        // The first error is the one to report; the name is the endpoint's own, so repair finds a leftover.
        let _ = detach_endpoint(sockets, &config.host_ifname);
    }
    done
}

/// How the bridge is to treat the endpoint's port.
///
/// Where members must not reach each other, ports are kept apart on the bridge itself: frames between ports come to
/// the packet filter only where br_netfilter is on. Where it is on, a packet to a published port of the same network
/// is translated on the bridge and does not go through the host: then it must be able to go back to where it came
/// from (a container that calls its own published port), and between separated members it does not pass at all.
fn port_mode(network: &BridgeNetwork) -> PortMode {
    let bridge_filter = std::fs::read(BRIDGE_FILTER).is_ok_and(|value| value.first() == Some(&b'1'));
    PortMode { hairpin: bridge_filter, isolated: !network.icc }
}

fn configure_inside(inside: &Socket, config: &EndpointConfig, is_gateway: bool) -> Result<(), AttachError> {
    let failed = |step, source| AttachError::Inside { step, name: config.container_ifname.clone(), source };
    let index = find_inside(inside, &config.container_ifname).map_err(|source| failed("find", source))?;
    let subnet = config.network.subnet;
    let broadcast = (subnet.prefix_len() < 31).then(|| subnet.last());
    let mut batch = Batch::new();
    address::add(&mut batch, index, config.address, config.prefix_len, broadcast);
    link::set_up(&mut batch, index);
    if is_gateway {
        route::replace_default(&mut batch, config.network.gateway, index);
    }
    inside.execute(&mut batch).map_err(|source| failed("configure", source))
}

/// Makes the endpoint's gateway the sandbox's default route, in place of another one.
///
/// # Errors
/// See [`AttachError`].
pub fn set_default_route(inside: &NamespaceSocket, config: &EndpointConfig) -> Result<(), AttachError> {
    let failed = |source| AttachError::Inside {
        step: "lead the default route through",
        name: config.container_ifname.clone(),
        source,
    };
    let index = find_inside(&inside.route, &config.container_ifname).map_err(failed)?;
    let mut batch = Batch::new();
    route::replace_default(&mut batch, config.network.gateway, index);
    inside.route.execute(&mut batch).map_err(failed)
}

/// The number of an interface; loopback is brought up on the way.
fn find_inside(inside: &Socket, name: &str) -> Result<u32, NetlinkError> {
    let mut found = None;
    let mut batch = Batch::new();
    link::set_up(&mut batch, link::LOOPBACK);
    link::get(&mut batch, name);
    inside
        .exchange(&mut batch, &mut |_, kind, payload| found = Link::parse(kind, payload))
        .and_then(kernel::netlink::Answers::all_done)?;
    Ok(found.ok_or(NetlinkError::NoAnswer)?.index)
}
