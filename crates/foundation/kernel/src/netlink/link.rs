//! Network interfaces (`RTM_NEWLINK` and companions; rtnetlink(7), linux/if_link.h).

use super::decode::{attributes, text, u32_ne};
use super::{Batch, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};
use std::os::fd::{AsRawFd, BorrowedFd};

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_LINKINFO: u16 = 18;
const IFLA_IFALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const VETH_INFO_PEER: u16 = 1;
const IFLA_BRPORT_MODE: u16 = 4;
const IFLA_BRPORT_ISOLATED: u16 = 33;
const IFLA_INET_CONF: u16 = 1;
const IPV4_DEVCONF_ROUTE_LOCALNET: u16 = 26;
/// `RTEXT_FILTER_SKIP_STATS`: leave the counters out of the answer.
const RTEXT_FILTER_SKIP_STATS: u32 = 8;
/// `IF_OPER_UP` (RFC 2863)
const IF_OPER_UP: u8 = 6;
const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 8;
const AF_INET: u16 = 2;

/// The loopback interface's index, the same in every namespace (`LOOPBACK_IFINDEX`).
pub const LOOPBACK: u32 = 1;

/// `struct ifinfomsg`: family, type, index, flags, change mask.
fn header(index: u32, flags: u32, change: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&change.to_ne_bytes());
    bytes
}

/// Makes a bridge, up. Refused with `EEXIST` when the name is taken.
pub fn add_bridge(batch: &mut Batch, name: &str, mac: [u8; 6], mtu: u32) {
    batch
        .message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header(0, IFF_UP, IFF_UP))
        .text(IFLA_IFNAME, name)
        .bytes(IFLA_ADDRESS, &mac)
        .u32_ne(IFLA_MTU, mtu)
        .nest(IFLA_LINKINFO, |info| {
            info.bytes(IFLA_INFO_KIND, b"bridge");
        });
}

/// A veth pair whose ends are made where they belong.
#[derive(Debug, Clone, Copy)]
pub struct VethPair<'a> {
    /// The end in the socket's namespace.
    pub name: &'a str,
    /// The index of the bridge that `name` becomes a port of.
    pub master: u32,
    /// Bytes per packet, for both ends.
    pub mtu: u32,
    /// The other end's name.
    pub peer_name: &'a str,
    /// The other end's hardware address.
    pub peer_mac: [u8; 6],
    /// The network namespace in which the other end appears.
    pub peer_namespace: BorrowedFd<'a>,
}

/// Makes a veth pair: this end up and in the bridge, the peer already inside its namespace, still down.
///
/// Creating the peer where it belongs is one step of 0.4 ms; moving it there afterwards waits 10 to 20 ms for RCU.
pub fn add_veth(batch: &mut Batch, pair: &VethPair<'_>) {
    batch
        .message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header(0, IFF_UP, IFF_UP))
        .text(IFLA_IFNAME, pair.name)
        .u32_ne(IFLA_MTU, pair.mtu)
        .u32_ne(IFLA_MASTER, pair.master)
        .nest(IFLA_LINKINFO, |info| {
            info.bytes(IFLA_INFO_KIND, b"veth").nest(IFLA_INFO_DATA, |data| {
                data.nest_behind(VETH_INFO_PEER, &header(0, 0, 0), |peer| {
                    peer.text(IFLA_IFNAME, pair.peer_name)
                        .bytes(IFLA_ADDRESS, &pair.peer_mac)
                        .u32_ne(IFLA_MTU, pair.mtu)
                        .bytes(IFLA_NET_NS_FD, &pair.peer_namespace.as_raw_fd().to_ne_bytes());
                });
            });
        });
}

/// Brings an interface up.
pub fn set_up(batch: &mut Batch, index: u32) {
    batch.message(RTM_SETLINK, NLM_F_ACK, &header(index, IFF_UP, IFF_UP));
}

/// Brings a bridge up, gives it an alias (a text for people, 255 bytes at most) and sets its `route_localnet`.
pub fn set_bridge(batch: &mut Batch, index: u32, alias: &str, route_localnet: bool) {
    batch
        .message(RTM_SETLINK, NLM_F_ACK, &header(index, IFF_UP, IFF_UP))
        .bytes(IFLA_IFALIAS, alias.as_bytes())
        .nest(IFLA_AF_SPEC, |families| {
            families.nest(AF_INET, |inet| {
                inet.nest(IFLA_INET_CONF, |settings| {
                    settings.u32_ne(IPV4_DEVCONF_ROUTE_LOCALNET, u32::from(route_localnet));
                });
            });
        });
}

/// How a bridge treats one of its ports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortMode {
    /// Frames may leave by the port they came in by.
    pub hairpin: bool,
    /// No frames to and from the other isolated ports.
    pub isolated: bool,
}

/// Sets the mode of the bridge port `name`.
pub fn set_port_mode(batch: &mut Batch, name: &str, mode: PortMode) {
    let mut message = batch.message(RTM_NEWLINK, NLM_F_ACK, &header(0, 0, 0));
    message.text(IFLA_IFNAME, name).nest(IFLA_LINKINFO, |info| {
        info.bytes(IFLA_INFO_SLAVE_KIND, b"bridge").nest(IFLA_INFO_SLAVE_DATA, |data| {
            data.bytes(IFLA_BRPORT_MODE, &[u8::from(mode.hairpin)]);
            data.bytes(IFLA_BRPORT_ISOLATED, &[u8::from(mode.isolated)]);
        });
    });
}

/// Deletes an interface by name; `ENODEV` when there is none. Deleting a veth waits 20 to 30 ms.
pub fn delete(batch: &mut Batch, name: &str) {
    batch.message(RTM_DELLINK, NLM_F_ACK, &header(0, 0, 0)).text(IFLA_IFNAME, name);
}

/// Asks for one interface; [`Link::parse`] reads the answer. `ENODEV` when there is none.
///
/// Since 6.9 the kernel first acts on a change of carrier that it has noticed (`linkwatch_sync_dev`), which otherwise
/// happens a moment later, in the background.
pub fn get(batch: &mut Batch, name: &str) {
    batch
        .message(RTM_GETLINK, NLM_F_ACK, &header(0, 0, 0))
        .text(IFLA_IFNAME, name)
        .u32_ne(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

/// Asks for all interfaces; [`Link::parse`] reads the answers.
pub fn list(batch: &mut Batch) {
    batch.message(RTM_GETLINK, NLM_F_DUMP, &header(0, 0, 0)).u32_ne(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

/// An interface as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What it is (`bridge`, `veth`); hardware has no kind.
    pub kind: Option<String>,
    /// The text for people.
    pub alias: Option<String>,
    /// The bridge it is a port of.
    pub master: Option<u32>,
    /// Bytes per packet.
    pub mtu: u32,
    /// Whether somebody brought it up.
    pub is_up: bool,
    /// Whether it is ready to carry packets (`IF_OPER_UP`): up at both ends, and the kernel has acted on it.
    pub is_running: bool,
    /// Whether it is the loopback interface.
    pub is_loopback: bool,
}

impl Link {
    /// Reads the payload of an answer to [`get`] or [`list`].
    #[must_use]
    pub fn parse(kind: u16, payload: &[u8]) -> Option<Self> {
        let (header, rest) = payload.split_first_chunk::<16>()?;
        if kind != RTM_NEWLINK {
            return None;
        }
        let flags = u32_ne(&header[8..12])?;
        let found = attributes(rest);
        let owned = |value: &[u8]| text(value).map(str::to_owned);
        let info = found.find_kind(IFLA_LINKINFO).map(attributes);
        Some(Self {
            index: u32_ne(&header[4..8])?,
            name: found.find_kind(IFLA_IFNAME).and_then(owned)?,
            kind: info.and_then(|info| info.find_kind(IFLA_INFO_KIND)).and_then(owned),
            alias: found.find_kind(IFLA_IFALIAS).and_then(owned),
            master: found.find_kind(IFLA_MASTER).and_then(u32_ne),
            mtu: found.find_kind(IFLA_MTU).and_then(u32_ne).unwrap_or(0),
            is_up: flags & IFF_UP != 0,
            is_running: found.find_kind(IFLA_OPERSTATE) == Some(&[IF_OPER_UP]),
            is_loopback: flags & IFF_LOOPBACK != 0,
        })
    }
}
