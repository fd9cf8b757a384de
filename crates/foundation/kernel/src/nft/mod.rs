//! nf_tables over nfnetlink (linux/netfilter/nf_tables.h).
//!
//! [`Transaction`] gathers changes that the kernel makes together or not at all; [`query`] reads back. The terms are
//! those of nft(8): a table has chains of rules, and sets, whose elements may carry data (maps). A rule is a list of
//! [`Expression`]s that work on 16 registers of 4 bytes.
//!
//! Numbers inside are in network byte order, but for what the packet path itself keeps in the machine's (connection
//! state, address type, interface index); values in keys are laid out in whole registers, padded with zeroes
//! ([`Words`]).

mod expression;
mod transaction;

pub mod query;

pub use expression::{Conntrack, Expression, Header, Meta, Register, Verdict};
pub use transaction::{BaseChain, Element, Hook, PartType, Priority, Set, SetKind, Transaction};

use crate::netlink::NetlinkError;

/// `NFNL_SUBSYS_NFTABLES << 8`
const SUBSYSTEM: u16 = 10 << 8;
const NFT_MSG_NEWTABLE: u16 = SUBSYSTEM;
const NFT_MSG_GETTABLE: u16 = SUBSYSTEM | 1;
const NFT_MSG_DELTABLE: u16 = SUBSYSTEM | 2;
const NFT_MSG_NEWCHAIN: u16 = SUBSYSTEM | 3;
const NFT_MSG_GETCHAIN: u16 = SUBSYSTEM | 4;
const NFT_MSG_NEWRULE: u16 = SUBSYSTEM | 6;
const NFT_MSG_GETRULE: u16 = SUBSYSTEM | 7;
const NFT_MSG_DELRULE: u16 = SUBSYSTEM | 8;
const NFT_MSG_NEWSET: u16 = SUBSYSTEM | 9;
const NFT_MSG_NEWSETELEM: u16 = SUBSYSTEM | 12;
const NFT_MSG_GETSETELEM: u16 = SUBSYSTEM | 13;
const NFT_MSG_DELSETELEM: u16 = SUBSYSTEM | 14;
const NFT_MSG_NEWGEN: u16 = SUBSYSTEM | 15;
const NFT_MSG_GETGEN: u16 = SUBSYSTEM | 16;
const NFTA_TABLE_NAME: u16 = 1;
const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_CHAIN_HOOK: u16 = 4;
const NFTA_CHAIN_POLICY: u16 = 5;
const NFTA_CHAIN_TYPE: u16 = 7;
const NFTA_HOOK_HOOKNUM: u16 = 1;
const NFTA_HOOK_PRIORITY: u16 = 2;
const NFTA_RULE_TABLE: u16 = 1;
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_RULE_HANDLE: u16 = 3;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_RULE_USERDATA: u16 = 7;
const NFTA_SET_ELEM_LIST_TABLE: u16 = 1;
const NFTA_SET_ELEM_LIST_SET: u16 = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS: u16 = 3;
const NFTA_LIST_ELEM: u16 = 1;
const NFTA_SET_ELEM_KEY: u16 = 1;
const NFTA_SET_ELEM_DATA: u16 = 2;
const NFTA_SET_ELEM_KEY_END: u16 = 10;
const NFTA_DATA_VALUE: u16 = 1;
const NFTA_GEN_ID: u16 = 1;

/// Which packets a table sees (`NFPROTO_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    Ip,
    /// IPv4 and IPv6.
    Inet,
    /// IPv6.
    Ip6,
}

impl Family {
    fn number(self) -> u8 {
        match self {
            Self::Inet => 1,
            Self::Ip => 2,
            Self::Ip6 => 10,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Inet, Self::Ip, Self::Ip6].into_iter().find(|family| family.number() == number)
    }

    /// The word that nft(8) uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Inet => "inet",
            Self::Ip6 => "ip6",
        }
    }
}

/// `struct nfgenmsg`: family, `NFNETLINK_V0`, resource.
fn header(family: u8) -> [u8; 4] {
    [family, 0, 0, 0]
}

/// A value as it lies in registers: every part padded to whole words of 4 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<u8>);

impl Words {
    /// No part yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part.
    #[must_use]
    pub fn with(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(part);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Adds an interface's name: 16 bytes, zero-filled. A longer name is cut, as the kernel has none.
    #[must_use]
    pub fn with_ifname(self, name: &str) -> Self {
        let mut part = [0; 16];
        let length = name.len().min(15);
        part[..length].copy_from_slice(&name.as_bytes()[..length]);
        self.with(&part)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why a transaction or a query failed.
pub type NftError = NetlinkError;

/// What nf_tables keep as a rule's or a table's comment for nft(8): type 0, length, text and zero
/// (libnftnl, `NFTNL_UDATA_RULE_COMMENT`). Longer texts are cut at 200 bytes.
fn comment(text: &str) -> Vec<u8> {
    let end = (0..=text.len().min(200)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let mut bytes = vec![0, u8::try_from(end + 1).unwrap_or(u8::MAX)];
    bytes.extend_from_slice(&text.as_bytes()[..end]);
    bytes.push(0);
    bytes
}

/// The text in a comment made by [`comment`] or by nft(8).
fn comment_text(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    while let [kind, length, tail @ ..] = rest {
        let value = tail.get(..usize::from(*length))?;
        if *kind == 0 {
            return crate::netlink::text(value).map(str::to_owned);
        }
        rest = tail.get(usize::from(*length)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_whole_words() {
        let words = Words::new().with(&[6]).with(&80u16.to_be_bytes());
        assert_eq!(words.as_bytes(), [6, 0, 0, 0, 0, 80, 0, 0]);
        assert_eq!(Words::new().with_ifname("lo").as_bytes(), b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn comments_come_back() {
        assert_eq!(comment_text(&comment("sampan 1a2b")).as_deref(), Some("sampan 1a2b"));
        assert!(comment(&"ü".repeat(200)).len() <= 203);
        for bytes in [&[][..], &[0], &[0, 9, b'x'], &[1, 1, 7]] {
            assert_eq!(comment_text(bytes), None, "{bytes:?}");
        }
    }
}
