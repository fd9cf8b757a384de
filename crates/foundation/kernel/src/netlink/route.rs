//! IPv4 routes (`RTM_NEWROUTE`; rtnetlink(7), linux/rtnetlink.h).

use super::decode::{attributes, ipv4};
use super::{Batch, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE};
use std::net::Ipv4Addr;

const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const AF_INET: u8 = 2;
/// `RT_TABLE_MAIN`
const MAIN: u8 = 254;
/// `RTPROT_BOOT`: what ip(8) writes too.
const BOOT: u8 = 3;
/// `RTN_UNICAST`
const UNICAST: u8 = 1;

/// `struct rtmsg`: family, destination and source prefix, tos, table, protocol, scope, type, flags.
const fn header(table: u8, protocol: u8, kind: u8) -> [u8; 12] {
    [AF_INET, 0, 0, 0, table, protocol, 0, kind, 0, 0, 0, 0]
}

/// Sends everything without a better route to `gateway` through the interface. Refused with `EEXIST` when there is
/// a default route.
pub fn add_default(batch: &mut Batch, gateway: Ipv4Addr, index: u32) {
    batch
        .message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header(MAIN, BOOT, UNICAST))
        .bytes(RTA_GATEWAY, &gateway.octets())
        .u32_ne(RTA_OIF, index);
}

/// The same, instead of the default route that there is, if any.
pub fn replace_default(batch: &mut Batch, gateway: Ipv4Addr, index: u32) {
    batch
        .message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &header(MAIN, BOOT, UNICAST))
        .bytes(RTA_GATEWAY, &gateway.octets())
        .u32_ne(RTA_OIF, index);
}

/// Asks for all routes; [`Route::parse`] reads those of the main table from the answers.
pub fn list(batch: &mut Batch) {
    batch.message(RTM_GETROUTE, NLM_F_DUMP, &header(0, 0, 0));
}

/// A route of the main table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Where it leads; `0.0.0.0` with prefix 0 for the default route.
    pub destination: Ipv4Addr,
    /// How many bits of the destination count.
    pub prefix_len: u8,
}

impl Route {
    /// Reads the payload of an answer to [`list`].
    #[must_use]
    pub fn parse(kind: u16, payload: &[u8]) -> Option<Self> {
        let (header, rest) = payload.split_first_chunk::<12>()?;
        if kind != RTM_NEWROUTE || header[0] != AF_INET || header[4] != MAIN {
            return None;
        }
        let destination = attributes(rest).find_kind(RTA_DST).map_or(Some(Ipv4Addr::UNSPECIFIED), ipv4)?;
        Some(Self { destination, prefix_len: header[1] })
    }
}
