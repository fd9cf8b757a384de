//! The resolver of a sandbox: a process of its own, since it parses what containers and name servers send.
//!
//! The monitor starts it ([`main`]) when a network of the sandbox resolves names, hands it sockets that listen inside,
//! the networks' directories and the name servers, and starts another when it ends. It lives in the sandbox's network
//! namespace, as nobody, below an empty root, under a filter of system calls ([`confine`]); it ends with its monitor.
//!
//! Protocol, over a `SOCK_SEQPACKET` socket that is its standard input: first an [`Order`] with the descriptors
//! `[network namespace, datagram socket, listening socket, one directory per network]`; later, for a name server that
//! only the host can reach, a [`order::Request`] from the servant and one descriptor, or none, in answer.

mod confine;
mod forward;
mod order;
mod serve;
mod stream;

pub(crate) use forward::connect;
pub(crate) use order::{GRANTED, Order, REFUSED, Request, View, fds};

use crate::protocol::MESSAGE_MAX;
use kernel::namespace::{self, Kind};
use kernel::seqpacket;
use network::dns::Directory;
use rustix::io::Errno;
use serve::{Server, Sockets};
use std::os::fd::{AsFd, OwnedFd};

/// The `resolve` role of the runtime program; its exit code. `build` is the program's build id.
#[must_use]
pub fn main(build: &str) -> i32 {
    match begin(build) {
        Ok(mut server) => {
            server.run();
            0
        }
        // Nobody listens to a servant; its monitor tries again, and says so when that does not help.
        Err(_) => 125,
    }
}

fn begin(build: &str) -> rustix::io::Result<Server> {
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let mut buffer = vec![0; MESSAGE_MAX];
    let (length, fds) = seqpacket::receive(control.as_fd(), &mut buffer)?;
    let order: Order = serde_json::from_slice(&buffer[..length]).map_err(|_| Errno::PROTO)?;
    drop(buffer);
    let mut fds = fds.into_iter();
    let mut next = || fds.next().ok_or(Errno::PROTO);
    let (netns, datagrams, connections) = (next()?, next()?, next()?);
    let directories: Vec<OwnedFd> = fds.collect();
    if order.build != build || directories.len() != order.networks.len() || directories.is_empty() {
        return Err(Errno::PROTO);
    }
    namespace::enter(netns.as_fd(), Kind::Network)?;
    drop(netns);
    let sockets = Sockets { control, datagrams, connections };
    confine::confine(directories[0].as_fd(), &sockets, order.view)?;
    let directories = directories.into_iter().zip(&order.networks).map(|(fd, name)| Directory::new(fd, name));
    let directories = directories.collect();
    Ok(Server::new(sockets, directories, order))
}
