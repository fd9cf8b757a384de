//! Why a request did not do what it should.

use super::decode::{attributes, text};
use rustix::io::Errno;

/// `NLMSGERR_ATTR_MSG`
const NLMSGERR_ATTR_MSG: u16 = 1;

/// The kernel's answer to one request that it did not carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The number.
    pub errno: Errno,
    /// The kernel's own words, where it has some (extended ack).
    pub text: Option<String>,
}

impl Refusal {
    /// Reads the attributes behind an `NLMSG_ERROR`.
    pub(super) fn parse(errno: Errno, extended: &[u8]) -> Self {
        let words = attributes(extended).find_kind(NLMSGERR_ATTR_MSG).and_then(text);
        Self { errno, text: words.filter(|words| !words.is_empty()).map(str::to_owned) }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{text} ({})", self.errno),
            None => self.errno.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

/// A netlink exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The kernel refused a request.
    #[error("refused by the kernel")]
    Refused(#[source] Refusal),
    /// The socket could not be made, written or read.
    #[error("cannot {step} the netlink socket")]
    Socket {
        /// "open", "write" or "read".
        step: &'static str,
        /// Why.
        #[source]
        source: Errno,
    },
    /// A request got no answer.
    #[error("a netlink request was not answered")]
    NoAnswer,
    /// An answer breaks the format.
    #[error("a netlink answer is malformed")]
    Malformed,
    /// A list changed each time it was being read.
    #[error("a list kept changing while it was being read")]
    Unstable,
    /// A request is longer than the format allows.
    #[error("a netlink request is too long")]
    TooLong,
}

impl NetlinkError {
    /// The error number, if the kernel gave one.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Refused(refusal) => Some(refusal.errno),
            Self::Socket { source, .. } => Some(*source),
            _ => None,
        }
    }
}

impl From<Refusal> for NetlinkError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
