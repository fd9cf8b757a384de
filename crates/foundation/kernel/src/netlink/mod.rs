//! Netlink (netlink(7)): requests in batches, every answer checked.
//!
//! [`Batch`] builds messages for any family; [`Socket`] sends them in one system call and collects what the kernel
//! says to each. [`link`], [`address`] and [`route`] are rtnetlink's objects (rtnetlink(7)), [`conntrack`] and
//! [`crate::nft`] nfnetlink's, [`diag`] sock_diag(7)'s. All is synchronous: the kernel handles a request inside
//! sendmsg(2), so that its answers are already queued when the call returns and nothing here ever waits.
//!
//! A socket belongs to the network namespace in which its thread was when it was opened, for good.
//!
//! Limits: only what the network crate uses; IPv4.

mod decode;
mod encode;
mod error;
mod socket;

pub mod address;
pub mod conntrack;
pub mod diag;
pub mod link;
pub mod route;
pub mod transfer;

pub use decode::{Attributes, attributes, be16, be32, ipv4, text, u32_ne};
pub use encode::{Batch, Message};
pub use error::{NetlinkError, Refusal};
pub use socket::{Answers, Family, Socket};

/// `NLM_F_REQUEST`: every message to the kernel carries it.
const NLM_F_REQUEST: u16 = 0x1;
/// `NLM_F_ACK`: answer also when all went well.
pub const NLM_F_ACK: u16 = 0x4;
/// `NLM_F_REPLACE`: change the object that is there.
pub const NLM_F_REPLACE: u16 = 0x100;
/// `NLM_F_EXCL`: fail with `EEXIST` when the object is there.
pub const NLM_F_EXCL: u16 = 0x200;
/// `NLM_F_CREATE`: make the object when it is not there.
pub const NLM_F_CREATE: u16 = 0x400;
/// `NLM_F_APPEND`: behind the existing ones and not before them.
pub const NLM_F_APPEND: u16 = 0x800;
/// `NLM_F_DUMP` (`NLM_F_ROOT | NLM_F_MATCH`): all objects that fit.
pub const NLM_F_DUMP: u16 = 0x300;
/// `NLM_F_DUMP_INTR`: the list changed while it was being read.
const NLM_F_DUMP_INTR: u16 = 0x10;
/// `NLM_F_CAPPED`: the acknowledgement does not repeat the request.
const NLM_F_CAPPED: u16 = 0x100;
/// `NLM_F_ACK_TLVS`: the acknowledgement carries attributes (extended ack).
const NLM_F_ACK_TLVS: u16 = 0x200;
/// `NLMSG_ERROR`: an acknowledgement, or why there is none.
const NLMSG_ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a list.
const NLMSG_DONE: u16 = 3;
/// `NLMSG_MIN_TYPE`: smaller types are control messages.
const NLMSG_MIN_TYPE: u16 = 16;
/// `struct nlmsghdr`: length, type, flags, sequence, port.
const HEADER_LEN: usize = 16;
/// `NLA_F_NESTED`: the attribute holds attributes.
const NLA_F_NESTED: u16 = 0x8000;
/// `NLA_TYPE_MASK`: the type without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const NLA_TYPE_MASK: u16 = 0x3fff;
