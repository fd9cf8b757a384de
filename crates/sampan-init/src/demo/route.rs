//! One netlink question: which IPv4 addresses does this namespace have (rtnetlink(7), `RTM_GETADDR`).

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{recv, send, socket_with};
use std::net::{IpAddr, Ipv4Addr};

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x1 | 0x300;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const AF_INET: u8 = 2;
/// `struct nlmsghdr`: length, type, flags, sequence, port.
const MESSAGE_HEADER: usize = 16;
/// `struct ifaddrmsg`: family, prefix length, flags, scope, interface index.
const ADDRESS_HEADER: usize = 8;
const ATTRIBUTE_HEADER: usize = 4;

/// An address of this network namespace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) interface: String,
    pub(super) address: IpAddr,
    /// Bits of the network part.
    pub(super) prefix_length: u8,
}

/// All IPv4 addresses, in the kernel's order.
pub(super) fn ipv4_addresses() -> Result<Vec<Address>, Errno> {
    // Protocol 0 of this family is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&socket, &request(), SendFlags::empty())?;
    let mut addresses = Vec::new();
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let (length, _) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        if length == 0 || collect(&buffer[..length], &mut addresses) {
            return Ok(addresses);
        }
    }
}

fn request() -> Vec<u8> {
    let length = MESSAGE_HEADER + ADDRESS_HEADER;
    let mut message = Vec::with_capacity(length);
    message.extend_from_slice(&(length as u32).to_ne_bytes());
    message.extend_from_slice(&RTM_GETADDR.to_ne_bytes());
    message.extend_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    message.resize(length, 0);
    message[MESSAGE_HEADER] = AF_INET;
    message
}

/// Adds the addresses of one datagram; true when it was the last, or its rest makes no sense.
fn collect(mut datagram: &[u8], addresses: &mut Vec<Address>) -> bool {
    while let Some((kind, body, rest)) = message(datagram) {
        match kind {
            NLMSG_DONE | NLMSG_ERROR => return true,
            RTM_NEWADDR => addresses.extend(address(body)),
            _ => {}
        }
        datagram = rest;
    }
    !datagram.is_empty()
}

/// The first message: its type, its body, and what follows.
fn message(datagram: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(datagram.get(0..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(datagram.get(4..6)?.try_into().ok()?);
    let body = datagram.get(MESSAGE_HEADER..length)?;
    Some((kind, body, datagram.get(aligned(length)..).unwrap_or_default()))
}

fn address(body: &[u8]) -> Option<Address> {
    let prefix_length = *body.get(1)?;
    let (mut interface, mut local) = (None, None);
    let mut attributes = body.get(ADDRESS_HEADER..)?;
    while let Some((kind, value, rest)) = attribute(attributes) {
        match kind {
            IFA_LOCAL => local = <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from),
            IFA_LABEL => interface = std::str::from_utf8(value).ok().map(|name| name.trim_end_matches('\0')),
            _ => {}
        }
        attributes = rest;
    }
    Some(Address { interface: String::from(interface?), address: local?.into(), prefix_length })
}

fn attribute(attributes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::from(u16::from_ne_bytes(attributes.get(0..2)?.try_into().ok()?));
    let kind = u16::from_ne_bytes(attributes.get(2..4)?.try_into().ok()?);
    let value = attributes.get(ATTRIBUTE_HEADER..length)?;
    Some((kind, value, attributes.get(aligned(length)..).unwrap_or_default()))
}

/// Netlink pads messages and attributes to four bytes (`NLMSG_ALIGN`).
fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers_with_whole_addresses() {
        // A namespace whose loopback is down has none; what there is must be consistent.
        for address in ipv4_addresses().unwrap() {
            assert!(!address.interface.is_empty() && address.prefix_length <= 32, "{address:?}");
        }
    }

    #[test]
    fn a_torn_datagram_ends_the_dump() {
        let mut found = Vec::new();
        assert!(collect(&[255; 20], &mut found));
        assert!(!collect(&[], &mut found));
        assert!(found.is_empty());
    }
}
