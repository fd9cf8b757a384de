//! Keeping a host port by a bound socket.

use crate::Protocol;
use rustix::io::Errno;
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, sockopt};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

/// Binds the port so that nobody else can, not even with `SO_REUSEADDR`, and does not listen.
///
/// # Errors
/// Whatever socket(2) and bind(2) report: `ADDRINUSE`, `ADDRNOTAVAIL`, `ACCESS`.
pub(super) fn hold(protocol: Protocol, ip: Ipv4Addr, port: u16) -> rustix::io::Result<OwnedFd> {
    let address = SocketAddrV4::new(ip, port);
    let socket = open(protocol)?;
    match rustix::net::bind(&socket, &address) {
        Err(Errno::ADDRINUSE) if protocol == Protocol::Tcp => hold_among_old_connections(address),
        other => other.map(|()| socket),
    }
}

/// A server that stopped leaves connections in TIME-WAIT, which are in the way only of those who do not allow
/// `SO_REUSEADDR`; but among those who do allow it, only a listener is an obstacle. So: bind with it, listen for a
/// moment (which tells whether the port is free and makes the kernel forget that it may be shared), then disallow
/// sharing and stop listening. The port stays bound (`SOCK_BINDPORT_LOCK`).
fn hold_among_old_connections(address: SocketAddrV4) -> rustix::io::Result<OwnedFd> {
    let socket = open(Protocol::Tcp)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, 0)?;
    sockopt::set_socket_reuseaddr(&socket, false)?;
    rustix::net::shutdown(&socket, Shutdown::Both)?;
    Ok(socket)
}

fn open(protocol: Protocol) -> rustix::io::Result<OwnedFd> {
    let kind = match protocol {
        Protocol::Tcp => SocketType::STREAM,
        Protocol::Udp => SocketType::DGRAM,
    };
    rustix::net::socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, None)
}
