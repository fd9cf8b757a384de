//! The resolver's place inside a sandbox: sockets on [`ADDRESS`] at ports that the kernel chooses, and a table of the
//! sandbox's own that leads port 53 to them, so that the container's programs may have port 53 for themselves.

use crate::NetworkSockets;
use crate::sockets::EnterError;
use kernel::namespace::{self, Kind};
use kernel::netlink::{Family as NetlinkFamily, NetlinkError, Socket};
use kernel::nft::{
    BaseChain, Expression, Family, Header, Hook, Meta, NftError, Priority, Register, Transaction,
};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{BorrowedFd, OwnedFd};

/// Where containers find their resolver; Docker's.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
/// The table inside the sandbox.
const TABLE: &str = "sampan-dns";
const PORT: [u8; 2] = 53u16.to_be_bytes();
const UDP: [u8; 1] = [17];
const TCP: [u8; 1] = [6];
/// Connections that wait to be taken.
const BACKLOG: i32 = 16;

/// Sockets in a sandbox, to be read by somebody.
#[derive(Debug)]
pub struct Listeners {
    /// Datagrams; non-blocking.
    pub datagrams: OwnedFd,
    /// Connections; non-blocking, listening.
    pub connections: OwnedFd,
}

/// The resolver has no place in the sandbox.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The namespace could not be entered.
    #[error(transparent)]
    Enter(#[from] EnterError),
    /// A socket could not be opened or bound.
    #[error("cannot listen on {ADDRESS} in the sandbox")]
    Socket(#[source] Errno),
    /// nfnetlink is missing or forbidden inside.
    #[error("cannot open an nfnetlink socket in the sandbox")]
    Netlink(#[source] NetlinkError),
    /// The table could not be written.
    #[error("cannot lead port 53 of {ADDRESS} to the resolver in the sandbox")]
    Rules(#[source] NftError),
}

/// Makes sockets and table in `netns`, whose loopback interface is up; replaces those of a former resolver.
///
/// # Errors
/// See [`ListenError`]; after [`EnterError::Stranded`] the thread must not be used any more.
pub fn listen(sockets: &NetworkSockets, netns: BorrowedFd<'_>) -> Result<Listeners, ListenError> {
    namespace::enter(netns, Kind::Network).map_err(EnterError::Enter)?;
    let inside = open_here();
    namespace::enter(sockets.namespace(), Kind::Network).map_err(EnterError::Stranded)?;
    let (listeners, netfilter, ports) = inside?;
    redirect(&netfilter, ports).map_err(ListenError::Rules)?;
    Ok(listeners)
}

type Opened = (Listeners, Socket, [u16; 2]);

fn open_here() -> Result<Opened, ListenError> {
    let (datagrams, udp) = bound(SocketType::DGRAM).map_err(ListenError::Socket)?;
    let (connections, tcp) = bound(SocketType::STREAM).map_err(ListenError::Socket)?;
    rustix::net::listen(&connections, BACKLOG).map_err(ListenError::Socket)?;
    let netfilter = Socket::open(NetlinkFamily::Netfilter).map_err(ListenError::Netlink)?;
    Ok((Listeners { datagrams, connections }, netfilter, [udp, tcp]))
}

fn bound(kind: SocketType) -> rustix::io::Result<(OwnedFd, u16)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::INET, kind, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrV4::new(ADDRESS, 0))?;
    let address =
        SocketAddrV4::try_from(rustix::net::getsockname(&socket)?).map_err(|_| Errno::AFNOSUPPORT)?;
    Ok((socket, address.port()))
}

/// ```text
/// table ip sampan-dns {
///     chain output { type nat hook output priority dstnat
///         ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:PORT
///         ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:PORT } }
/// ```
fn redirect(netfilter: &Socket, [udp, tcp]: [u16; 2]) -> Result<(), NftError> {
    match write(netfilter, udp, tcp) {
        // A former resolver's. Not deleted before it is seen: a refused transaction costs the kernel 30 ms.
        Err(error) if error.errno() == Some(Errno::EXIST) => {
            let mut former = Transaction::new(Family::Ip, TABLE);
            former.delete_table();
            former.commit(netfilter)?;
            write(netfilter, udp, tcp)
        }
        done => done,
    }
}

fn write(netfilter: &Socket, udp: u16, tcp: u16) -> Result<(), NftError> {
    let mut transaction = Transaction::new(Family::Ip, TABLE);
    transaction.create_table();
    let base = BaseChain { hook: Hook::Output, priority: Priority::DestinationNat, is_nat: true };
    transaction.create_chain("output", Some(base));
    let (key, address, port) = (Register::word(0), Register::word(8), Register::word(9));
    let octets = ADDRESS.octets();
    for (protocol, to) in [(UDP, udp), (TCP, tcp)] {
        let to = to.to_be_bytes();
        let rule = [
            Expression::LoadPayload { header: Header::Network, offset: 16, length: 4, register: key },
            Expression::Equal(key, &octets),
            Expression::LoadMeta(Meta::TransportProtocol, key),
            Expression::Equal(key, &protocol),
            Expression::LoadPayload { header: Header::Transport, offset: 2, length: 2, register: key },
            Expression::Equal(key, &PORT),
            Expression::LoadValue(address, &octets),
            Expression::LoadValue(port, &to),
            Expression::Dnat { address, port: Some(port) },
        ];
        transaction.append_rule("output", &rule);
    }
    transaction.commit(netfilter)
}
