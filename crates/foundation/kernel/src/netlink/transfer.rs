//! Moving an interface with its addresses into another network namespace (rtnetlink(7), linux/if_addr.h).
//!
//! The kernel drops the addresses of an interface that moves, so that they are read before and given again afterwards.

use super::decode::{attributes, u32_ne};
use super::{Batch, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};
use std::os::fd::{AsRawFd, BorrowedFd};

const RTM_SETLINK: u16 = 19;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const IFLA_IFNAME: u16 = 3;
const IFLA_NET_NS_FD: u16 = 28;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const IFA_FLAGS: u16 = 8;
const IFA_F_PERMANENT: u32 = 0x80;
/// `IFA_F_TENTATIVE`, `IFA_F_DADFAILED`: what the kernel found out about it at its old place.
const IFA_F_STATE: u32 = 0x40 | 0x08;
/// `RT_SCOPE_UNIVERSE` of linux/rtnetlink.h.
const SCOPE_UNIVERSE: u8 = 0;

/// Moves an interface into a namespace, where it gets this name (a `%d` in it becomes the first free number). Refused
/// with `EEXIST` when the name is taken there.
pub fn move_to(batch: &mut Batch, index: u32, namespace: BorrowedFd<'_>, name: &str) {
    // `struct ifinfomsg`: only the index says anything.
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    batch
        .message(RTM_SETLINK, NLM_F_ACK, &header)
        .bytes(IFLA_NET_NS_FD, &namespace.as_raw_fd().to_ne_bytes())
        .text(IFLA_IFNAME, name);
}

/// Asks for the addresses of all interfaces and families; [`KeptAddress::parse`] reads the answers.
pub fn list_addresses(batch: &mut Batch) {
    batch.message(RTM_GETADDR, NLM_F_DUMP, &[0; 8]);
}

/// An address that somebody gave an interface for good and for the whole world, of whatever family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAddress {
    /// The interface's index.
    pub index: u32,
    family: u8,
    prefix_len: u8,
    flags: u32,
    values: Vec<(u16, Vec<u8>)>,
}

impl KeptAddress {
    /// Reads the payload of an answer to [`list_addresses`]; `None` for one that the kernel made or that is of a
    /// narrower scope.
    #[must_use]
    pub fn parse(kind: u16, payload: &[u8]) -> Option<Self> {
        // `struct ifaddrmsg`: family, prefix length, flags, scope, index.
        let (header, rest) = payload.split_first_chunk::<8>()?;
        if kind != RTM_NEWADDR {
            return None;
        }
        let found = attributes(rest);
        let flags = found.find_kind(IFA_FLAGS).and_then(u32_ne).unwrap_or(header[2].into());
        if flags & IFA_F_PERMANENT == 0 || header[3] != SCOPE_UNIVERSE {
            return None;
        }
        let values = found.filter(|(kind, _)| [IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST].contains(kind));
        Some(Self {
            index: u32_ne(&header[4..8])?,
            family: header[0],
            prefix_len: header[1],
            flags: flags & !(IFA_F_PERMANENT | IFA_F_STATE),
            values: values.map(|(kind, value)| (kind, value.to_vec())).collect(),
        })
    }

    /// Gives it to an interface. Refused with `EEXIST` when that has it already.
    pub fn add(&self, batch: &mut Batch, index: u32) {
        let [a, b, c, d] = index.to_ne_bytes();
        let header = [self.family, self.prefix_len, 0, SCOPE_UNIVERSE, a, b, c, d];
        let mut message = batch.message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header);
        for (kind, value) in &self.values {
            message.bytes(*kind, value);
        }
        message.u32_ne(IFA_FLAGS, self.flags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(flags: u8, scope: u8) -> Vec<u8> {
        let header = [2, 24, flags, scope, 7, 0, 0, 0];
        let address = [8, 0, 2, 0, 10, 1, 2, 3];
        [&header[..], &address].concat()
    }

    #[test]
    fn only_lasting_addresses_of_the_world_are_kept() {
        let kept = KeptAddress::parse(RTM_NEWADDR, &answer(0x80, 0)).unwrap();
        assert_eq!((kept.index, kept.prefix_len, kept.flags), (7, 24, 0));
        assert_eq!(kept.values, [(IFA_LOCAL, vec![10, 1, 2, 3])]);
        assert_eq!(KeptAddress::parse(RTM_NEWADDR, &answer(0, 0)), None);
        assert_eq!(KeptAddress::parse(RTM_NEWADDR, &answer(0x80, 253)), None);
        assert_eq!(KeptAddress::parse(RTM_SETLINK, &answer(0x80, 0)), None);
    }
}
