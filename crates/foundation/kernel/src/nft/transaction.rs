//! Changes that happen together or not at all.

use super::{Expression, Family, NftError, Words, comment, header};
use super::{
    NFT_MSG_DELRULE, NFT_MSG_DELSETELEM, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE, NFT_MSG_NEWSET,
    NFT_MSG_NEWSETELEM, NFT_MSG_NEWTABLE, NFTA_CHAIN_HOOK, NFTA_CHAIN_NAME, NFTA_CHAIN_POLICY,
    NFTA_CHAIN_TABLE, NFTA_CHAIN_TYPE, NFTA_DATA_VALUE, NFTA_HOOK_HOOKNUM, NFTA_HOOK_PRIORITY,
    NFTA_LIST_ELEM, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, NFTA_RULE_HANDLE, NFTA_RULE_TABLE,
    NFTA_RULE_USERDATA, NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_KEY_END,
    NFTA_SET_ELEM_LIST_ELEMENTS, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_TABLE, NFTA_TABLE_NAME,
};
use crate::netlink::{Answers, Batch, Message, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, Socket};

/// `NFNL_MSG_BATCH_BEGIN`
const BATCH_BEGIN: u16 = 16;
/// `NFNL_MSG_BATCH_END`
const BATCH_END: u16 = 17;
/// `struct nfgenmsg` of both: any family, and `NFNL_SUBSYS_NFTABLES` as resource in network byte order.
const BATCH_HEADER: [u8; 4] = [0, 0, 0, 10];
/// `NFNL_BATCH_GENID`
const NFNL_BATCH_GENID: u16 = 1;
const NFTA_SET_TABLE: u16 = 1;
const NFTA_SET_NAME: u16 = 2;
const NFTA_SET_FLAGS: u16 = 3;
const NFTA_SET_KEY_TYPE: u16 = 4;
const NFTA_SET_KEY_LEN: u16 = 5;
const NFTA_SET_DATA_TYPE: u16 = 6;
const NFTA_SET_DATA_LEN: u16 = 7;
const NFTA_SET_DESC: u16 = 9;
const NFTA_SET_ID: u16 = 10;
const NFTA_SET_DESC_CONCAT: u16 = 2;
const NFTA_SET_FIELD_LEN: u16 = 1;
const NFT_SET_INTERVAL: u32 = 0x4;
const NFT_SET_MAP: u32 = 0x8;
const NFT_SET_CONCAT: u32 = 0x80;
/// How many elements go into one message: a list is one attribute, and its length has 16 bits.
const ELEMENTS_PER_MESSAGE: usize = 400;

/// Where a chain hangs (`NF_INET_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// All that comes in.
    Prerouting,
    /// What passes through.
    Forward,
    /// What this host sends.
    Output,
    /// All that goes out.
    Postrouting,
}

impl Hook {
    fn number(self) -> u32 {
        match self {
            Self::Prerouting => 0,
            Self::Forward => 2,
            Self::Output => 3,
            Self::Postrouting => 4,
        }
    }
}

/// A chain's place among the others of its hook, smallest first (`NF_IP_PRI_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Before connections are tracked: -300.
    Raw,
    /// Where destinations are translated: -100.
    DestinationNat,
    /// Where packets are filtered: 0.
    Filter,
    /// Where sources are translated: 100.
    SourceNat,
}

impl Priority {
    fn number(self) -> i32 {
        match self {
            Self::Raw => -300,
            Self::DestinationNat => -100,
            Self::Filter => 0,
            Self::SourceNat => 100,
        }
    }
}

/// A chain that packets enter from a hook. Its policy is accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseChain {
    /// Where it hangs.
    pub hook: Hook,
    /// When it runs.
    pub priority: Priority,
    /// Whether it translates addresses (type `nat`, sees a connection's first packet only) or filters.
    pub is_nat: bool,
}

/// The type of a value as nft(8) prints it: its number there (libnftables, `enum datatypes`) and its bytes.
pub type PartType = (u32, u32);

/// How a set finds its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetKind {
    /// Single values, by hash.
    Hash,
    /// Ranges in each part of the key (pipapo).
    Ranges,
}

/// A set, or a map if it has data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set<'a> {
    /// Its name.
    pub name: &'a str,
    /// The parts of the key.
    pub key: &'a [PartType],
    /// The parts of the data; none for a plain set.
    pub data: &'a [PartType],
    /// How it is searched.
    pub kind: SetKind,
}

impl Set<'_> {
    /// An IPv4 address, as a part.
    pub const IPV4: PartType = (7, 4);
    /// A transport protocol's number, as a part.
    pub const PROTOCOL: PartType = (12, 1);
    /// A port, as a part.
    pub const PORT: PartType = (13, 2);
    /// An interface's name, as a part.
    pub const IFNAME: PartType = (41, 16);

    /// The number of a concatenation: six bits per part.
    fn type_of(parts: &[PartType]) -> u32 {
        parts.iter().fold(0, |number, (part, _)| number << 6 | part)
    }

    /// The bytes of a concatenation in registers; a single part is not padded.
    fn length_of(parts: &[PartType]) -> u32 {
        match parts {
            [(_, only)] => *only,
            several => several.iter().map(|(_, length)| length.next_multiple_of(4)).sum(),
        }
    }
}

/// One member of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The key, or the first key of a range.
    pub key: Words,
    /// The last key of a range.
    pub key_end: Option<Words>,
    /// What the key leads to, in a map.
    pub data: Option<Words>,
}

impl Element {
    /// A single value of a plain set.
    #[must_use]
    pub fn value(key: Words) -> Self {
        Self { key, key_end: None, data: None }
    }
}

/// Changes to one table, in order.
#[derive(Debug)]
pub struct Transaction<'a> {
    batch: Batch,
    family: Family,
    table: &'a str,
    sets: u32,
}

impl<'a> Transaction<'a> {
    /// No change yet.
    #[must_use]
    pub fn new(family: Family, table: &'a str) -> Self {
        let mut batch = Batch::new();
        batch.message(BATCH_BEGIN, 0, &BATCH_HEADER);
        Self { batch, family, table, sets: 0 }
    }

    /// As [`Self::new`], to be refused (`ERESTART`) if anything in nf_tables changed since `generation` was read
    /// ([`super::query::generation`]).
    #[must_use]
    pub fn at_generation(family: Family, table: &'a str, generation: u32) -> Self {
        let mut batch = Batch::new();
        batch.message(BATCH_BEGIN, 0, &BATCH_HEADER).u32_be(NFNL_BATCH_GENID, generation);
        Self { batch, family, table, sets: 0 }
    }

    fn message(&mut self, kind: u16, flags: u16) -> Message<'_> {
        self.batch.message(kind, flags, &header(self.family.number()))
    }

    /// Makes the table; refused with `EEXIST` if it is there.
    pub fn create_table(&mut self) {
        let table = self.table;
        self.message(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL).text(NFTA_TABLE_NAME, table);
    }

    /// Deletes the table with all that is in it.
    pub fn delete_table(&mut self) {
        let table = self.table;
        self.message(NFT_MSG_DELTABLE, 0).text(NFTA_TABLE_NAME, table);
    }

    /// Makes a chain that other chains lead to, or one at a hook.
    pub fn create_chain(&mut self, name: &str, base: Option<BaseChain>) {
        let table = self.table;
        let mut message = self.message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
        message.text(NFTA_CHAIN_TABLE, table).text(NFTA_CHAIN_NAME, name);
        if let Some(base) = base {
            message
                .text(NFTA_CHAIN_TYPE, if base.is_nat { "nat" } else { "filter" })
                .nest(NFTA_CHAIN_HOOK, |hook| {
                    hook.u32_be(NFTA_HOOK_HOOKNUM, base.hook.number());
                    hook.bytes(NFTA_HOOK_PRIORITY, &base.priority.number().to_be_bytes());
                })
                // NF_ACCEPT
                .u32_be(NFTA_CHAIN_POLICY, 1);
        }
    }

    /// Makes a set or map.
    pub fn create_set(&mut self, set: &Set<'_>) {
        self.sets += 1;
        let (table, id) = (self.table, self.sets);
        let mut flags = if set.data.is_empty() { 0 } else { NFT_SET_MAP };
        if set.kind == SetKind::Ranges {
            flags |= NFT_SET_INTERVAL | NFT_SET_CONCAT;
        }
        let mut message = self.message(NFT_MSG_NEWSET, NLM_F_CREATE);
        message
            .text(NFTA_SET_TABLE, table)
            .text(NFTA_SET_NAME, set.name)
            .u32_be(NFTA_SET_FLAGS, flags)
            .u32_be(NFTA_SET_KEY_TYPE, Set::type_of(set.key))
            .u32_be(NFTA_SET_KEY_LEN, Set::length_of(set.key))
            .u32_be(NFTA_SET_ID, id);
        if !set.data.is_empty() {
            message.u32_be(NFTA_SET_DATA_TYPE, Set::type_of(set.data));
            message.u32_be(NFTA_SET_DATA_LEN, Set::length_of(set.data));
        }
        if set.kind == SetKind::Ranges {
            message.nest(NFTA_SET_DESC, |description| {
                description.nest(NFTA_SET_DESC_CONCAT, |parts| {
                    for (_, length) in set.key {
                        parts.nest(NFTA_LIST_ELEM, |part| {
                            part.u32_be(NFTA_SET_FIELD_LEN, *length);
                        });
                    }
                });
            });
        }
    }

    /// Adds a rule behind the others of its chain.
    pub fn append_rule(&mut self, chain: &str, expressions: &[Expression<'_>]) {
        self.rule(chain, NLM_F_CREATE | NLM_F_APPEND, expressions, None);
    }

    /// Adds a rule behind the others of its chain, with a comment by which it is found again.
    pub fn append_commented_rule(&mut self, chain: &str, expressions: &[Expression<'_>], text: &str) {
        self.rule(chain, NLM_F_CREATE | NLM_F_APPEND, expressions, Some(text));
    }

    fn rule(&mut self, chain: &str, flags: u16, expressions: &[Expression<'_>], text: Option<&str>) {
        let table = self.table;
        let mut message = self.message(NFT_MSG_NEWRULE, flags);
        message.text(NFTA_RULE_TABLE, table).text(NFTA_RULE_CHAIN, chain).nest(
            NFTA_RULE_EXPRESSIONS,
            |list| {
                expressions.iter().for_each(|expression| expression.encode(list));
            },
        );
        if let Some(text) = text {
            message.bytes(NFTA_RULE_USERDATA, &comment(text));
        }
    }

    /// Deletes the rule with that handle; refused with `ENOENT` if it is gone.
    pub fn delete_rule(&mut self, chain: &str, handle: u64) {
        let table = self.table;
        self.message(NFT_MSG_DELRULE, 0)
            .text(NFTA_RULE_TABLE, table)
            .text(NFTA_RULE_CHAIN, chain)
            .u64_be(NFTA_RULE_HANDLE, handle);
    }

    /// Adds elements. One that is there already with the same data is no obstacle; with other data it is refused
    /// (`EBUSY`), as is a range that overlaps another (`ENOTEMPTY`, `EEXIST`).
    pub fn add_elements(&mut self, set: &str, elements: &[Element]) {
        self.elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, elements);
    }

    /// Adds elements that must not be there yet (`EEXIST`).
    pub fn add_new_elements(&mut self, set: &str, elements: &[Element]) {
        self.elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, set, elements);
    }

    /// Removes elements by their keys; refused with `ENOENT` if one is not there.
    pub fn delete_elements(&mut self, set: &str, elements: &[Element]) {
        self.elements(NFT_MSG_DELSETELEM, 0, set, elements);
    }

    fn elements(&mut self, kind: u16, flags: u16, set: &str, elements: &[Element]) {
        let table = self.table;
        for some in elements.chunks(ELEMENTS_PER_MESSAGE) {
            let mut message = self.message(kind, flags);
            encode_elements(&mut message, table, set, some, kind == NFT_MSG_NEWSETELEM);
        }
    }

    /// Makes the changes, or none of them.
    ///
    /// # Errors
    /// When the exchange fails or the kernel refuses a change (the first such).
    pub fn commit(self, socket: &Socket) -> Result<(), NftError> {
        self.commit_with_answers(socket)?.all_done()
    }

    /// As [`Self::commit`], for callers that have to tell refusals apart: a refusal's place is the message's, and
    /// the first change is at 1. With any refusal, nothing has changed.
    ///
    /// # Errors
    /// When the exchange fails.
    pub fn commit_with_answers(mut self, socket: &Socket) -> Result<Answers, NftError> {
        if self.batch.len() == 1 {
            return Ok(Answers::default());
        }
        // Refusals come unasked; the answer to the last change tells that all have been read.
        self.batch.ask_last(NLM_F_ACK);
        self.batch.message(BATCH_END, 0, &BATCH_HEADER);
        socket.exchange(&mut self.batch, &mut |_, _, _| {})
    }
}

/// The attributes of a list of elements; also how elements are asked for.
pub(super) fn encode_elements(
    message: &mut Message<'_>,
    table: &str,
    set: &str,
    elements: &[Element],
    with_data: bool,
) {
    let value = |message: &mut Message<'_>, kind, words: &Words| {
        message.nest(kind, |inside| {
            inside.bytes(NFTA_DATA_VALUE, words.as_bytes());
        });
    };
    message.text(NFTA_SET_ELEM_LIST_TABLE, table).text(NFTA_SET_ELEM_LIST_SET, set).nest(
        NFTA_SET_ELEM_LIST_ELEMENTS,
        |list| {
            for element in elements {
                list.nest(NFTA_LIST_ELEM, |inside| {
                    value(inside, NFTA_SET_ELEM_KEY, &element.key);
                    if let Some(end) = &element.key_end {
                        value(inside, NFTA_SET_ELEM_KEY_END, end);
                    }
                    if let Some(data) = element.data.as_ref().filter(|_| with_data) {
                        value(inside, NFTA_SET_ELEM_DATA, data);
                    }
                });
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concatenations_are_numbered_as_nft_does() {
        let key = [Set::PROTOCOL, Set::PORT];
        assert_eq!((Set::type_of(&key), Set::length_of(&key)), (12 << 6 | 13, 8));
        assert_eq!((Set::type_of(&[Set::IFNAME]), Set::length_of(&[Set::IFNAME])), (41, 16));
    }
}
