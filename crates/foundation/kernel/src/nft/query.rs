//! Reading tables, chains, rules and elements back.

use super::transaction::encode_elements;
use super::{
    Element, Family, NFT_MSG_GETCHAIN, NFT_MSG_GETGEN, NFT_MSG_GETRULE, NFT_MSG_GETSETELEM, NFT_MSG_GETTABLE,
    NFT_MSG_NEWCHAIN, NFT_MSG_NEWGEN, NFT_MSG_NEWRULE, NFT_MSG_NEWSETELEM, NFT_MSG_NEWTABLE, NFTA_CHAIN_HOOK,
    NFTA_CHAIN_NAME, NFTA_CHAIN_POLICY, NFTA_CHAIN_TABLE, NFTA_CHAIN_TYPE, NFTA_DATA_VALUE, NFTA_GEN_ID,
    NFTA_HOOK_HOOKNUM, NFTA_HOOK_PRIORITY, NFTA_LIST_ELEM, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS,
    NFTA_RULE_HANDLE, NFTA_RULE_TABLE, NFTA_RULE_USERDATA, NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_KEY,
    NFTA_SET_ELEM_KEY_END, NFTA_SET_ELEM_LIST_ELEMENTS, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_TABLE,
    NFTA_TABLE_NAME, NftError, Words, comment_text, header,
};
use crate::netlink::{Batch, NLM_F_ACK, NLM_F_DUMP, Socket, attributes, be32, text};
use rustix::io::Errno;

/// A chain as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its table's family.
    pub family: Family,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// `NF_INET_*` and priority, for a chain at a hook.
    pub hook: Option<(u32, i32)>,
    /// Whether what reaches its end is dropped.
    pub drops: bool,
    /// Whether it translates addresses and does not filter.
    pub is_nat: bool,
}

/// `NF_INET_FORWARD`
pub const FORWARD: u32 = 2;

impl Chain {
    fn parse(kind: u16, payload: &[u8]) -> Option<Self> {
        let (header, rest) = payload.split_first_chunk::<4>()?;
        if kind != NFT_MSG_NEWCHAIN {
            return None;
        }
        let found = attributes(rest);
        let owned = |kind| found.find_kind(kind).and_then(text).map(str::to_owned);
        let hook = found.find_kind(NFTA_CHAIN_HOOK).map(attributes).and_then(|hook| {
            let number = hook.find_kind(NFTA_HOOK_HOOKNUM).and_then(be32)?;
            let priority = hook.find_kind(NFTA_HOOK_PRIORITY).and_then(be32)?;
            Some((number, priority.cast_signed()))
        });
        Some(Self {
            family: Family::from_number(header[0])?,
            table: owned(NFTA_CHAIN_TABLE)?,
            name: owned(NFTA_CHAIN_NAME)?,
            hook,
            // NF_DROP
            drops: found.find_kind(NFTA_CHAIN_POLICY).and_then(be32) == Some(0),
            is_nat: owned(NFTA_CHAIN_TYPE).as_deref() == Some("nat"),
        })
    }
}

/// All chains of the IP families.
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn chains(socket: &Socket) -> Result<Vec<Chain>, NftError> {
    let request = |batch: &mut Batch| {
        batch.message(NFT_MSG_GETCHAIN, NLM_F_DUMP, &header(0));
    };
    socket.list(request, Chain::parse)
}

/// All tables of a family.
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn tables(socket: &Socket, family: Family) -> Result<Vec<String>, NftError> {
    let request = |batch: &mut Batch| {
        batch.message(NFT_MSG_GETTABLE, NLM_F_DUMP, &header(family.number()));
    };
    socket.list(request, |kind, payload| {
        let found = attributes(payload.get(4..)?);
        (kind == NFT_MSG_NEWTABLE)
            .then(|| found.find_kind(NFTA_TABLE_NAME).and_then(text).map(str::to_owned))?
    })
}

/// A rule of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The number by which it is deleted.
    pub handle: u64,
    /// Its comment.
    pub comment: Option<String>,
    /// How many expressions it has.
    pub expressions: usize,
}

impl Rule {
    fn parse(kind: u16, payload: &[u8], chain: &str) -> Option<Self> {
        let found = attributes(payload.get(4..)?);
        let of_chain = found.find_kind(NFTA_RULE_CHAIN).and_then(text) == Some(chain);
        if kind != NFT_MSG_NEWRULE || !of_chain {
            return None;
        }
        let handle: [u8; 8] = found.find_kind(NFTA_RULE_HANDLE)?.try_into().ok()?;
        Some(Self {
            handle: u64::from_be_bytes(handle),
            comment: found.find_kind(NFTA_RULE_USERDATA).and_then(comment_text),
            expressions: found.find_kind(NFTA_RULE_EXPRESSIONS).map_or(0, |list| attributes(list).count()),
        })
    }
}

/// The rules of a chain, in order. A chain or table that does not exist has none.
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn rules(socket: &Socket, family: Family, table: &str, chain: &str) -> Result<Vec<Rule>, NftError> {
    let request = |batch: &mut Batch| {
        let mut message = batch.message(NFT_MSG_GETRULE, NLM_F_DUMP, &header(family.number()));
        message.text(NFTA_RULE_TABLE, table).text(NFTA_RULE_CHAIN, chain);
    };
    missing_is_empty(socket.list(request, |kind, payload| Rule::parse(kind, payload, chain)))
}

/// The elements of a set. A set or table that does not exist has none.
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn elements(socket: &Socket, family: Family, table: &str, set: &str) -> Result<Vec<Element>, NftError> {
    let request = |batch: &mut Batch| {
        let mut message = batch.message(NFT_MSG_GETSETELEM, NLM_F_DUMP, &header(family.number()));
        message.text(NFTA_SET_ELEM_LIST_TABLE, table).text(NFTA_SET_ELEM_LIST_SET, set);
    };
    let lists = missing_is_empty(socket.list(request, |kind, payload| Some(parse_elements(kind, payload))))?;
    Ok(lists.into_iter().flatten().collect())
}

/// The element with that key, or the range that holds it; `None` also when there is no such set or table.
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn element(
    socket: &Socket,
    family: Family,
    table: &str,
    set: &str,
    key: Words,
) -> Result<Option<Element>, NftError> {
    let mut batch = Batch::new();
    {
        let mut message = batch.message(NFT_MSG_GETSETELEM, NLM_F_ACK, &header(family.number()));
        encode_elements(&mut message, table, set, &[Element::value(key)], false);
    }
    let mut found = None;
    let answers = socket.exchange(&mut batch, &mut |_, kind, payload| {
        found = parse_elements(kind, payload).into_iter().next();
    })?;
    answers.unless(|_, errno| errno == Errno::NOENT)?;
    Ok(found)
}

fn parse_elements(kind: u16, payload: &[u8]) -> Vec<Element> {
    if kind != NFT_MSG_NEWSETELEM {
        return Vec::new();
    }
    let list = attributes(payload.get(4..).unwrap_or_default()).find_kind(NFTA_SET_ELEM_LIST_ELEMENTS);
    let items = list.map(attributes).into_iter().flatten().filter(|(kind, _)| *kind == NFTA_LIST_ELEM);
    items
        .filter_map(|(_, item)| {
            let item = attributes(item);
            let words = |kind| {
                let value = attributes(item.find_kind(kind)?).find_kind(NFTA_DATA_VALUE)?;
                Some(Words::new().with(value))
            };
            let (key_end, data) = (words(NFTA_SET_ELEM_KEY_END), words(NFTA_SET_ELEM_DATA));
            Some(Element { key: words(NFTA_SET_ELEM_KEY)?, key_end, data })
        })
        .collect()
}

/// The number of the last committed transaction of the namespace.
///
/// # Errors
/// When the exchange fails or the kernel refuses.
pub fn generation(socket: &Socket) -> Result<u32, NftError> {
    let mut batch = Batch::new();
    batch.message(NFT_MSG_GETGEN, NLM_F_ACK, &header(0));
    let mut generation = None;
    let answers = socket.exchange(&mut batch, &mut |_, kind, payload| {
        if kind == NFT_MSG_NEWGEN {
            let found = attributes(payload.get(4..).unwrap_or_default());
            generation = found.find_kind(NFTA_GEN_ID).and_then(be32);
        }
    })?;
    answers.all_done()?;
    generation.ok_or(NftError::Malformed)
}

fn missing_is_empty<T>(list: Result<Vec<T>, NftError>) -> Result<Vec<T>, NftError> {
    match list {
        Err(error) if error.errno() == Some(Errno::NOENT) => Ok(Vec::new()),
        other => other,
    }
}
