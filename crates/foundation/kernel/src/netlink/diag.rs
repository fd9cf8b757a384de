//! Which socket holds a port (sock_diag(7); linux/inet_diag.h).

use super::{Batch, NLM_F_DUMP, NetlinkError, Socket};
use std::net::Ipv4Addr;

/// `SOCK_DIAG_BY_FAMILY`
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// `struct inet_diag_req_v2`
const REQUEST_LEN: usize = 56;
/// `struct inet_diag_msg`
const ANSWER_LEN: usize = 72;
/// `TCP_CLOSE`, `TCP_LISTEN` and `TCP_BOUND_INACTIVE` (6.8; ignored before) as bits: every state in which a socket
/// holds a port without a peer. An unconnected UDP socket is in `TCP_CLOSE`.
const STATES: u32 = 1 << 7 | 1 << 10 | 1 << 13;

/// A socket that holds a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The inode that `/proc/<pid>/fd` shows as `socket:[inode]`.
    pub inode: u32,
    /// The address it is bound to; `None` for an IPv6 socket (which usually answers on IPv4 as well).
    pub address: Option<Ipv4Addr>,
}

/// The sockets of the namespace that hold `port` without a peer. The socket is of [`super::Family::SockDiag`].
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn holders(socket: &Socket, protocol: u8, port: u16) -> Result<Vec<Holder>, NetlinkError> {
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let request = |batch: &mut Batch| {
            let mut header = [0; REQUEST_LEN];
            header[0] = family;
            header[1] = protocol;
            header[4..8].copy_from_slice(&STATES.to_ne_bytes());
            header[8..10].copy_from_slice(&port.to_be_bytes());
            batch.message(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &header);
        };
        found.extend(socket.list(request, |_, payload| parse(payload, port))?);
    }
    Ok(found)
}

fn parse(payload: &[u8], port: u16) -> Option<Holder> {
    let answer = payload.first_chunk::<ANSWER_LEN>()?;
    // The UDP table's listing ignores the port on some kernels.
    if answer[4..6] != port.to_be_bytes() {
        return None;
    }
    let address = super::ipv4(&answer[8..12])?;
    let inode = super::u32_ne(&answer[68..72])?;
    Some(Holder { inode, address: (answer[0] == AF_INET).then_some(address) })
}
