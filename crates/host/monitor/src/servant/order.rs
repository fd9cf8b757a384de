//! What monitor and servant say to each other.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Places of the descriptors that come with an [`Order`].
pub(crate) mod fds {
    /// Descriptors before those of the networks' directories.
    pub(crate) const FIXED: usize = 3;
    /// Networks that one sandbox may have: what one message can carry.
    pub(crate) const NETWORKS_MAX: usize = kernel::seqpacket::FDS_MAX - FIXED;
}

/// Who reaches the name servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum View {
    /// The sandbox: the servant makes its sockets itself.
    Sandbox,
    /// Only the host: the monitor makes them. Then the servant may make and connect none, so that it cannot turn one of
    /// the host's to another address.
    Host,
}

/// What the servant shall do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Build id of the monitor.
    pub(crate) build: String,
    /// Names of the networks, in the order of their directories.
    pub(crate) networks: Vec<String>,
    /// `--link`: alias, then the other's name.
    pub(crate) links: BTreeMap<String, String>,
    /// Whom to ask about other names, at port 53; empty where the sandbox has no way out.
    pub(crate) upstreams: Vec<IpAddr>,
    /// Who reaches them.
    pub(crate) view: View,
}

/// Asks for a socket that is connected to a name server: its place in [`Order::upstreams`], and whether datagrams or a
/// stream. Two bytes, so that the monitor has nothing to parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) upstream: u8,
    pub(crate) stream: bool,
}

/// The monitor's answer with a descriptor.
pub(crate) const GRANTED: u8 = 1;
/// Without.
pub(crate) const REFUSED: u8 = 0;

impl Request {
    pub(crate) fn to_bytes(self) -> [u8; 2] {
        [self.upstream, u8::from(self.stream)]
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [upstream, stream @ (0 | 1)] => Some(Self { upstream, stream: stream == 1 }),
            _ => None,
        }
    }
}
