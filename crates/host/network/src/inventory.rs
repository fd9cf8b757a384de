//! What is on this host: ours for repair, everybody's routes for choosing a subnet.

use crate::{Ipv4Subnet, NetworkSockets, bridge, names};
use kernel::netlink::NetlinkError;
use kernel::netlink::link::{self, Link};
use kernel::netlink::route::{self, Route};

/// What an interface of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRole {
    /// A network's bridge.
    Bridge,
    /// The host's end of an endpoint.
    Endpoint,
}

/// An interface that this instance made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedLink {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: LinkRole,
}

/// The interfaces that carry the instance's mark or name.
///
/// # Errors
/// When the kernel's list cannot be read.
pub fn list_links(sockets: &NetworkSockets) -> Result<Vec<OwnedLink>, NetlinkError> {
    let (bridges, endpoints) =
        (names::bridge_prefix(&sockets.instance), names::endpoint_prefix(&sockets.instance));
    let mark = bridge::mark_prefix(sockets);
    let role_of = |link: &Link| match link.kind.as_deref() {
        Some("bridge") => {
            let marked = link.alias.as_ref().is_some_and(|alias| alias.starts_with(&mark));
            let unmarked = link.alias.is_none() && link.name.starts_with(&bridges);
            (marked || unmarked).then_some(LinkRole::Bridge)
        }
        Some("veth") => link.name.starts_with(&endpoints).then_some(LinkRole::Endpoint),
        _ => None,
    };
    sockets.route.list(link::list, |kind, payload| {
        let link = Link::parse(kind, payload)?;
        let role = role_of(&link)?;
        Some(OwnedLink { name: link.name, role })
    })
}

/// Whether the host has an interface of that name; for [`names::default_bridge`].
///
/// # Errors
/// When the kernel cannot be asked.
pub fn link_exists(sockets: &NetworkSockets, name: &str) -> Result<bool, bridge::BridgeError> {
    Ok(bridge::find(sockets, name)?.is_some())
}

/// Where the host's main routing table leads, for [`crate::ipam::free_subnet`]; default routes are left out.
///
/// # Errors
/// When the kernel's list cannot be read.
pub fn routes_in_use(sockets: &NetworkSockets) -> Result<Vec<Ipv4Subnet>, NetlinkError> {
    sockets.route.list(route::list, |kind, payload| {
        let route = Route::parse(kind, payload).filter(|route| route.prefix_len > 0)?;
        Ipv4Subnet::new(route.destination, route.prefix_len).ok()
    })
}
