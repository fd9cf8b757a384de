//! Connections that the kernel tracks (ctnetlink; linux/netfilter/nfnetlink_conntrack.h).
//!
//! Once a connection is tracked, address translation no longer looks at the rules: what was published or
//! unpublished since does not reach it. [`flush`] makes it be judged anew.

use super::decode::{attributes, be16, be32};
use super::{Batch, NLM_F_ACK, NLM_F_DUMP, NetlinkError, Socket};
use rustix::io::Errno;
use std::net::Ipv4Addr;

/// `NFNL_SUBSYS_CTNETLINK << 8`
const SUBSYSTEM: u16 = 1 << 8;
const IPCTNL_MSG_CT_NEW: u16 = SUBSYSTEM;
const IPCTNL_MSG_CT_GET: u16 = SUBSYSTEM | 1;
const IPCTNL_MSG_CT_DELETE: u16 = SUBSYSTEM | 2;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_FILTER: u16 = 25;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_IP_V4_SRC: u16 = 1;
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_SRC_PORT: u16 = 2;
const CTA_PROTO_DST_PORT: u16 = 3;
const CTA_FILTER_ORIG_FLAGS: u16 = 1;
const CTA_FILTER_REPLY_FLAGS: u16 = 2;
// `CTA_FILTER_F_*` (net/netfilter/nf_internals.h): which parts of a tuple the filter compares.
const COMPARE_IP_SRC: u32 = 1 << 0;
const COMPARE_PROTO_NUM: u32 = 1 << 3;
const COMPARE_DST_PORT: u32 = 1 << 5;
const IPS_SRC_NAT: u32 = 1 << 4;
const IPS_DST_NAT: u32 = 1 << 5;
/// `struct nfgenmsg`: `AF_INET`, `NFNETLINK_V0`, no resource.
const HEADER: [u8; 4] = [2, 0, 0, 0];
/// How many deletions go into one system call; their acknowledgements must fit the receive buffer.
const DELETIONS: usize = 64;

/// Which connections are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Those that were sent to this port, whatever address it has in the end (`IPPROTO_*`, host's port).
    ToPort {
        /// `IPPROTO_TCP` or `IPPROTO_UDP`.
        protocol: u8,
        /// The destination port as the client sees it.
        port: u16,
    },
    /// All of a protocol.
    Protocol(u8),
    /// All that this address answers.
    AnsweredBy(Ipv4Addr),
}

impl Filter {
    fn request(self, batch: &mut Batch) {
        let mut message = batch.message(IPCTNL_MSG_CT_GET, NLM_F_DUMP, &HEADER);
        let (orig_flags, reply_flags) = match self {
            Self::ToPort { protocol, port } => {
                message.nest(CTA_TUPLE_ORIG, |tuple| {
                    tuple.nest(CTA_TUPLE_PROTO, |proto| {
                        proto
                            .bytes(CTA_PROTO_NUM, &[protocol])
                            .bytes(CTA_PROTO_DST_PORT, &port.to_be_bytes());
                    });
                });
                (COMPARE_PROTO_NUM | COMPARE_DST_PORT, 0)
            }
            Self::Protocol(protocol) => {
                message.nest(CTA_TUPLE_ORIG, |tuple| {
                    tuple.nest(CTA_TUPLE_PROTO, |proto| {
                        proto.bytes(CTA_PROTO_NUM, &[protocol]);
                    });
                });
                (COMPARE_PROTO_NUM, 0)
            }
            Self::AnsweredBy(address) => {
                message.nest(CTA_TUPLE_REPLY, |tuple| {
                    tuple.nest(CTA_TUPLE_IP, |ip| {
                        ip.bytes(CTA_IP_V4_SRC, &address.octets());
                    });
                });
                (0, COMPARE_IP_SRC)
            }
        };
        message.nest(CTA_FILTER, |filter| {
            filter.u32_ne(CTA_FILTER_ORIG_FLAGS, orig_flags).u32_ne(CTA_FILTER_REPLY_FLAGS, reply_flags);
        });
    }
}

/// What is known of a tracked connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked {
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// The port that the client sends to; zero where the protocol has no ports.
    pub sent_to_port: u16,
    /// The port that answers, after translation.
    pub answering_port: u16,
    /// Whether the client's address was translated (`IPS_SRC_NAT`).
    pub source_translated: bool,
    /// Whether the destination was translated (`IPS_DST_NAT`).
    pub destination_translated: bool,
}

/// One tracked connection, with the attributes that name it to the kernel.
struct Connection {
    tuple: Vec<u8>,
    id: Vec<u8>,
    zone: Option<Vec<u8>>,
    tracked: Tracked,
}

impl Connection {
    fn parse(kind: u16, payload: &[u8]) -> Option<Self> {
        let found = attributes(payload.get(HEADER.len()..)?);
        if kind != IPCTNL_MSG_CT_NEW {
            return None;
        }
        let tuple = found.find_kind(CTA_TUPLE_ORIG)?;
        let sent = attributes(attributes(tuple).find_kind(CTA_TUPLE_PROTO)?);
        let answered = attributes(attributes(found.find_kind(CTA_TUPLE_REPLY)?).find_kind(CTA_TUPLE_PROTO)?);
        let status = found.find_kind(CTA_STATUS).and_then(be32).unwrap_or(0);
        let tracked = Tracked {
            protocol: *sent.find_kind(CTA_PROTO_NUM)?.first()?,
            sent_to_port: sent.find_kind(CTA_PROTO_DST_PORT).and_then(be16).unwrap_or(0),
            answering_port: answered.find_kind(CTA_PROTO_SRC_PORT).and_then(be16).unwrap_or(0),
            source_translated: status & IPS_SRC_NAT != 0,
            destination_translated: status & IPS_DST_NAT != 0,
        };
        let zone = found.find_kind(CTA_ZONE).map(<[u8]>::to_vec);
        Some(Self { tuple: tuple.to_vec(), id: found.find_kind(CTA_ID)?.to_vec(), zone, tracked })
    }
}

/// Forgets the connections that pass `filter` and that `fits` picks, and says how many there were. The socket is of
/// [`super::Family::Netfilter`].
///
/// The kernel filters while listing (5.8); deleting by filter came only with 6.8, so each is deleted by name.
///
/// # Errors
/// When the exchange fails or the kernel refuses. A connection that ended by itself in between is no error.
pub fn flush(
    socket: &Socket,
    filter: Filter,
    fits: impl Fn(&Tracked) -> bool,
) -> Result<usize, NetlinkError> {
    let connections = socket.list(
        |batch| filter.request(batch),
        |kind, payload| Connection::parse(kind, payload).filter(|found| fits(&found.tracked)),
    )?;
    for some in connections.chunks(DELETIONS) {
        let mut batch = Batch::new();
        for connection in some {
            let mut message = batch.message(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, &HEADER);
            message
                .bytes(CTA_TUPLE_ORIG | super::NLA_F_NESTED, &connection.tuple)
                .bytes(CTA_ID, &connection.id);
            if let Some(zone) = &connection.zone {
                message.bytes(CTA_ZONE, zone);
            }
        }
        socket.exchange(&mut batch, &mut |_, _, _| {})?.unless(|_, errno| errno == Errno::NOENT)?;
    }
    Ok(connections.len())
}
