//! Other people's packet filters: finding those that drop what our networks forward, and asking for passage.
//!
//! An accept in our table ends nothing: the packet goes on to every other chain of the hook, and one drop is final.
//! dockerd, ufw and many a host's own rules set the policy of their forward chain to drop. The one change that is
//! ever made to a foreign table is a pair of accepts per bridge at the *end* of such a chain, with a comment that
//! says whose they are: they stand in for the policy only, and every rule somebody wrote is asked before them. What
//! comes to our bridges unasked is still dropped, by our own table.
//!
//! Called by the engine when it makes and removes networks; it may be switched off, then [`foreign_drops`] says what
//! to warn about. Limits: rules of iptables-legacy are not in nf_tables and not seen; firewalld refuses by a rule and
//! not by a policy, which is reported and not changed (its zone is the place, and it rewrites its table).

use crate::{BridgeNetwork, NetworkSockets};
use kernel::nft::query::{self, Chain, FORWARD};
use kernel::nft::{Expression, Family, Meta, NftError, Register, Transaction, Verdict};
use rustix::io::Errno;

/// What firewalld calls its table and its forward chain.
const FIREWALLD: (&str, &str) = ("firewalld", "filter_FORWARD");
/// What our own tables' names start with, whatever the instance.
const OURS: &str = "sampan-";

/// A chain of somebody else that drops forwarded traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignDrop {
    /// The table's family as nft(8) writes it.
    pub family: &'static str,
    /// The table.
    pub table: String,
    /// The chain.
    pub chain: String,
    /// Whether an accept at its end opens it; otherwise its owner has to be asked.
    pub can_be_opened: bool,
}

impl std::fmt::Display for ForeignDrop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "chain {} of table {} {}", self.chain, self.family, self.table)
    }
}

/// Passage could not be asked for, or not be given back.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// The host's chains could not be read.
    #[error("cannot read the host's nf_tables chains")]
    Read(#[source] NftError),
    /// A chain could not be changed.
    #[error("cannot change {chain}, which drops what bridge {bridge} forwards")]
    Change {
        /// The chain, in words.
        chain: String,
        /// The bridge.
        bridge: String,
        /// Why not.
        #[source]
        source: NftError,
    },
}

/// The chains that drop what our networks forward, but for the accepts of [`open_foreign`].
///
/// # Errors
/// When the chains cannot be read.
pub fn foreign_drops(sockets: &NetworkSockets) -> Result<Vec<ForeignDrop>, NftError> {
    let chains = query::chains(&sockets.netfilter)?;
    Ok(forward_chains(&chains).filter_map(|(chain, _)| dropping(chain)).collect())
}

/// Adds the network's accepts to every chain that can be opened and does not have them, and returns those that drop
/// and cannot be opened.
///
/// # Errors
/// See [`ForeignError`].
pub fn open_foreign(
    sockets: &NetworkSockets,
    network: &BridgeNetwork,
) -> Result<Vec<ForeignDrop>, ForeignError> {
    let text = comment(sockets, &network.bridge);
    let chains = query::chains(&sockets.netfilter).map_err(ForeignError::Read)?;
    let mut closed = Vec::new();
    for (chain, family) in forward_chains(&chains) {
        let Some(found) = dropping(chain) else { continue };
        if !found.can_be_opened {
            closed.push(found);
            continue;
        }
        let rules = query::rules(&sockets.netfilter, family, &chain.table, &chain.name)
            .map_err(ForeignError::Read)?;
        if rules.iter().any(|rule| rule.comment.as_ref() == Some(&text)) {
            continue;
        }
        append_accepts(sockets, chain, &network.bridge, &text)
            .map_err(|source| change_failed(chain, &network.bridge, source))?;
    }
    Ok(closed)
}

/// Removes the network's accepts wherever they are; says how many there were.
///
/// # Errors
/// See [`ForeignError`].
pub fn close_foreign(sockets: &NetworkSockets, bridge: &str) -> Result<usize, ForeignError> {
    let text = comment(sockets, bridge);
    let chains = query::chains(&sockets.netfilter).map_err(ForeignError::Read)?;
    let mut removed = 0;
    for (chain, family) in forward_chains(&chains) {
        let rules = query::rules(&sockets.netfilter, family, &chain.table, &chain.name)
            .map_err(ForeignError::Read)?;
        for rule in rules.iter().filter(|rule| rule.comment.as_ref() == Some(&text)) {
            let mut transaction = Transaction::new(family, &chain.table);
            transaction.delete_rule(&chain.name, rule.handle);
            match transaction.commit(&sockets.netfilter) {
                // Its owner rewrote the chain in between.
                Err(error) if error.errno() == Some(Errno::NOENT) => {}
                Err(source) => return Err(change_failed(chain, bridge, source)),
                Ok(()) => removed += 1,
            }
        }
    }
    Ok(removed)
}

/// The filter chains at the forward hook that see IPv4 packets and are not ours.
fn forward_chains(chains: &[Chain]) -> impl Iterator<Item = (&Chain, Family)> {
    chains
        .iter()
        .filter(|chain| matches!(chain.hook, Some((FORWARD, _))) && !chain.is_nat)
        .filter(|chain| matches!(chain.family, Family::Ip | Family::Inet) && !chain.table.starts_with(OURS))
        .map(|chain| (chain, chain.family))
}

fn dropping(chain: &Chain) -> Option<ForeignDrop> {
    if (chain.table.as_str(), chain.name.as_str()) == FIREWALLD {
        return Some(describe(chain, false));
    }
    chain.drops.then(|| describe(chain, true))
}

fn describe(chain: &Chain, can_be_opened: bool) -> ForeignDrop {
    let (table, name) = (chain.table.clone(), chain.name.clone());
    ForeignDrop { family: chain.family.name(), table, chain: name, can_be_opened }
}

fn change_failed(chain: &Chain, bridge: &str, source: NftError) -> ForeignError {
    ForeignError::Change { chain: describe(chain, true).to_string(), bridge: bridge.to_owned(), source }
}

fn comment(sockets: &NetworkSockets, bridge: &str) -> String {
    format!("sampan {} {bridge}", sockets.instance)
}

/// Both rules are of the form that iptables-nft itself writes (`-i NAME -j ACCEPT`), so that iptables(8) goes on
/// listing the table.
fn append_accepts(sockets: &NetworkSockets, chain: &Chain, bridge: &str, text: &str) -> Result<(), NftError> {
    let register = Register::word(0);
    let name = [bridge.as_bytes(), b"\0"].concat();
    let mut transaction = Transaction::new(chain.family, &chain.table);
    for direction in [Meta::InterfaceIn, Meta::InterfaceOut] {
        let rule = [
            Expression::LoadMeta(direction, register),
            Expression::Equal(register, &name),
            Expression::Verdict(Verdict::Accept),
        ];
        transaction.append_commented_rule(&chain.name, &rule, text);
    }
    transaction.commit(&sockets.netfilter)
}
