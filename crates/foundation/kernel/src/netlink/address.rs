//! IPv4 addresses of interfaces (`RTM_NEWADDR`; rtnetlink(7), linux/if_addr.h).

use super::decode::{attributes, ipv4, u32_ne};
use super::{Batch, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};
use std::net::Ipv4Addr;

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const AF_INET: u8 = 2;

/// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
fn header(prefix_len: u8, index: u32) -> [u8; 8] {
    let [a, b, c, d] = index.to_ne_bytes();
    [AF_INET, prefix_len, 0, 0, a, b, c, d]
}

/// Gives an interface an address. Refused with `EEXIST` when it has it already.
pub fn add(batch: &mut Batch, index: u32, address: Ipv4Addr, prefix_len: u8, broadcast: Option<Ipv4Addr>) {
    let mut message =
        batch.message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header(prefix_len, index));
    message.bytes(IFA_LOCAL, &address.octets()).bytes(IFA_ADDRESS, &address.octets());
    if let Some(broadcast) = broadcast {
        message.bytes(IFA_BROADCAST, &broadcast.octets());
    }
}

/// Asks for all addresses; [`Address::parse`] reads the answers.
pub fn list(batch: &mut Batch) {
    batch.message(RTM_GETADDR, NLM_F_DUMP, &header(0, 0));
}

/// An interface's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The interface's index.
    pub index: u32,
    /// The address.
    pub address: Ipv4Addr,
    /// How many bits the network has.
    pub prefix_len: u8,
}

impl Address {
    /// Reads the payload of an answer to [`list`].
    #[must_use]
    pub fn parse(kind: u16, payload: &[u8]) -> Option<Self> {
        let (header, rest) = payload.split_first_chunk::<8>()?;
        if kind != RTM_NEWADDR || header[0] != AF_INET {
            return None;
        }
        let found = attributes(rest);
        let address = found.find_kind(IFA_LOCAL).or_else(|| found.find_kind(IFA_ADDRESS)).and_then(ipv4)?;
        Some(Self { index: u32_ne(&header[4..8])?, address, prefix_len: header[1] })
    }
}
