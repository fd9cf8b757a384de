//! The descriptors through which everything here happens, and entering a network namespace.

use crate::names;
use ids::InstanceId;
use kernel::namespace::{self, Kind};
use kernel::netlink::{Family, NetlinkError, Socket};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Sockets of the host's network namespace, and whose objects are made through them.
///
/// Not to be shared between threads; another one is three system calls away.
#[derive(Debug)]
pub struct NetworkSockets {
    pub(crate) route: Socket,
    pub(crate) netfilter: Socket,
    pub(crate) instance: InstanceId,
    pub(crate) table: String,
    home: OwnedFd,
}

/// The sockets could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A netlink family is missing or forbidden.
    #[error("cannot open a {family} socket")]
    Netlink {
        /// "rtnetlink" or "nfnetlink".
        family: &'static str,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// The way back into this namespace could not be opened.
    #[error("cannot open /proc/thread-self/ns/net")]
    Namespace(#[source] Errno),
}

impl NetworkSockets {
    /// Opens the sockets in the calling thread's network namespace, which has to be the host's: before anything is
    /// unshared.
    ///
    /// # Errors
    /// When the kernel lacks rtnetlink or nfnetlink, or `/proc` is not mounted.
    pub fn open(instance: &InstanceId) -> Result<Self, OpenError> {
        let netlink =
            |family, what| Socket::open(family).map_err(|source| OpenError::Netlink { family: what, source });
        Ok(Self {
            route: netlink(Family::Route, "rtnetlink")?,
            netfilter: netlink(Family::Netfilter, "nfnetlink")?,
            instance: instance.clone(),
            table: names::table(instance),
            home: namespace::open_own(Kind::Network).map_err(OpenError::Namespace)?,
        })
    }

    /// Whose objects are made through these sockets.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    /// The host's network namespace.
    #[must_use]
    pub fn namespace(&self) -> BorrowedFd<'_> {
        self.home.as_fd()
    }
}

/// A namespace could not be entered, or not be left.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// setns(2) refused; the thread is where it was.
    #[error("cannot enter the network namespace")]
    Enter(#[source] Errno),
    /// No socket could be opened inside; the thread is back where it was.
    #[error("cannot open an rtnetlink socket in the network namespace")]
    Open(#[source] NetlinkError),
    /// The thread is in the wrong namespace and must not go on; the process should end.
    #[error("cannot return from the network namespace")]
    Stranded(#[source] Errno),
}

/// An rtnetlink socket of a sandbox's network namespace.
#[derive(Debug)]
pub struct NamespaceSocket {
    pub(crate) route: Socket,
}

impl NamespaceSocket {
    /// Opens it in the calling thread's namespace, for callers that are inside already: no namespace is switched.
    ///
    /// # Errors
    /// When the socket cannot be opened.
    pub fn open_here() -> Result<Self, NetlinkError> {
        Ok(Self { route: Socket::open(Family::Route)? })
    }

    /// Opens it in `netns`: the calling thread goes there and comes back before this returns.
    ///
    /// Only the calling thread moves (setns(2)), so other threads of the process do not notice. Two switches cost
    /// some microseconds; a thread for it would cost more.
    ///
    /// # Errors
    /// See [`EnterError`]; after [`EnterError::Stranded`] the thread must not be used any more.
    pub fn enter(sockets: &NetworkSockets, netns: BorrowedFd<'_>) -> Result<Self, EnterError> {
        namespace::enter(netns, Kind::Network).map_err(EnterError::Enter)?;
        let opened = Self::open_here();
        namespace::enter(sockets.namespace(), Kind::Network).map_err(EnterError::Stranded)?;
        opened.map_err(EnterError::Open)
    }
}
