//! The instance's nf_tables table: what is in it, and how networks enter and leave it.
//!
//! The rules are written once; networks and published ports are elements of sets and maps, so that a packet costs
//! the same with one container or a thousand, and a container costs one transaction. All of `sampan-<instance>`, as
//! nft(8) would print it:
//!
//! ```text
//! set bridges { type ifname }              # our bridges
//! set same { type ifname . ifname }        # (bridge, bridge): traffic that stays in one network
//! set internal { type ifname }             # networks without a way out
//! set separated { type ifname }            # networks whose members do not reach each other
//! set masqueraded { type ifname }          # networks whose traffic leaves with the host's address
//! set members { type ipv4_addr . ifname; flags interval }   # (subnet, bridge)
//! map ports { type inet_proto . inet_service : ipv4_addr . inet_service }
//! map ports_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service }
//! map ranges { type ipv4_addr . inet_proto . inet_service : ipv4_addr; flags interval }
//!
//! chain guard { type filter hook prerouting priority raw
//!     ip daddr 127.0.0.0/8 iifname @bridges drop      # route_localnet lets these in; nothing honest sends them
//!     ip saddr 127.0.0.0/8 iifname @bridges drop }
//! chain prerouting { type nat hook prerouting priority dstnat
//!     ip daddr != 127.0.0.0/8 fib daddr type local goto publish }
//! chain output { type nat hook output priority dstnat
//!     fib daddr type local goto publish }
//! chain publish {
//!     dnat to ip daddr . meta l4proto . th dport map @ports_at
//!     dnat to meta l4proto . th dport map @ports
//!     dnat to ip daddr . meta l4proto . th dport map @ranges }
//! chain forward { type filter hook forward priority filter
//!     ct state established,related accept
//!     iifname . oifname @same goto same
//!     iifname @internal drop
//!     oifname @internal drop
//!     oifname @bridges ct status dnat accept
//!     oifname @bridges drop }                         # other networks, and the world without a published port
//! chain same {
//!     ct status dnat accept
//!     iifname @separated drop }
//! chain postrouting { type nat hook postrouting priority srcnat
//!     oifname @bridges ip saddr 127.0.0.0/8 masquerade          # from this host's loopback
//!     oifname @bridges ct status dnat ip saddr . oifname @members masquerade    # hairpin: back the same way
//!     iifname @masqueraded oifname != @bridges masquerade }
//! ```
//!
//! An accept here does not overrule a drop in somebody else's chain: see [`crate::foreign_drops`].

use crate::{BridgeNetwork, NetworkSockets};
use kernel::nft::{
    BaseChain, Conntrack, Element, Expression, Family, Header, Hook, Meta, NftError, Priority, Register, Set,
    SetKind, Transaction, Verdict, Words, query,
};
use rustix::io::Errno;
use std::net::Ipv4Addr;

pub(crate) const FAMILY: Family = Family::Ip;
pub(crate) const PORTS: &str = "ports";
pub(crate) const PORTS_AT: &str = "ports_at";
pub(crate) const RANGES: &str = "ranges";
const BRIDGES: &str = "bridges";
const SAME: &str = "same";
const INTERNAL: &str = "internal";
const SEPARATED: &str = "separated";
const MASQUERADED: &str = "masqueraded";
const MEMBERS: &str = "members";

/// `RTN_LOCAL`: an address of this host.
const RTN_LOCAL: [u8; 4] = 2u32.to_ne_bytes();
/// The first byte of loopback addresses.
const LOOPBACK_NET: [u8; 1] = [127];
const NO_BITS: [u8; 4] = [0; 4];
/// Offsets in the IPv4 header (RFC 791).
const SOURCE: u32 = 12;
const DESTINATION: u32 = 16;
/// Offset in the TCP and UDP headers.
const DESTINATION_PORT: u32 = 2;

/// The register where a value starts; the parts of a key follow one another.
const KEY: Register = Register::word(0);
/// The data of the port maps: address and port.
const TARGET_ADDRESS: Register = Register::word(8);
const TARGET_PORT: Register = Register::word(9);
/// How often a network is entered anew when the table goes away in between.
const TRIES: usize = 4;

const FILTER: fn(Hook, Priority) -> Option<BaseChain> =
    |hook, priority| Some(BaseChain { hook, priority, is_nat: false });
const NAT: fn(Hook, Priority) -> Option<BaseChain> =
    |hook, priority| Some(BaseChain { hook, priority, is_nat: true });

const fn byte_of_address(offset: u32) -> Expression<'static> {
    Expression::LoadPayload { header: Header::Network, offset, length: 1, register: KEY }
}

const fn meta(meta: Meta) -> Expression<'static> {
    Expression::LoadMeta(meta, KEY)
}

const CAME_BY: Expression<'_> = meta(Meta::InterfaceIn);
const LEAVES_BY: Expression<'_> = meta(Meta::InterfaceOut);
const ACCEPT: Expression<'_> = Expression::Verdict(Verdict::Accept);
const DROP: Expression<'_> = Expression::Verdict(Verdict::Drop);
const IN_BRIDGES: Expression<'_> = Expression::InSet(BRIDGES, KEY);
/// Stays in one network: both names, one behind the other.
const STAYS: [Expression<'_>; 3] =
    [CAME_BY, Expression::LoadMeta(Meta::InterfaceOut, Register::word(4)), Expression::InSet(SAME, KEY)];
/// Was sent to a published port.
const PUBLISHED: [Expression<'_>; 3] = [
    Expression::LoadConntrack(Conntrack::Status, KEY),
    Expression::Mask(KEY, Conntrack::DESTINATION_TRANSLATED),
    Expression::NotEqual(KEY, &NO_BITS),
];

/// Makes the table with its sets, chains and rules; one that exists is left as it is.
pub(crate) fn create_table(sockets: &NetworkSockets) -> Result<(), NftError> {
    let mut transaction = Transaction::new(FAMILY, &sockets.table);
    transaction.create_table();
    create_sets(&mut transaction);
    create_guard(&mut transaction);
    create_publishing(&mut transaction);
    create_forwarding(&mut transaction);
    create_postrouting(&mut transaction);
    match transaction.commit(&sockets.netfilter) {
        Err(error) if error.errno() == Some(Errno::EXIST) => Ok(()),
        other => other,
    }
}

fn create_sets(transaction: &mut Transaction<'_>) {
    let (hash, none) = (SetKind::Hash, &[][..]);
    let at = [Set::IPV4, Set::PROTOCOL, Set::PORT];
    let target = [Set::IPV4, Set::PORT];
    for name in [BRIDGES, INTERNAL, SEPARATED, MASQUERADED] {
        transaction.create_set(&Set { name, key: &[Set::IFNAME], data: none, kind: hash });
    }
    transaction.create_set(&Set { name: SAME, key: &[Set::IFNAME, Set::IFNAME], data: none, kind: hash });
    let member = [Set::IPV4, Set::IFNAME];
    transaction.create_set(&Set { name: MEMBERS, key: &member, data: none, kind: SetKind::Ranges });
    transaction.create_set(&Set { name: PORTS, key: &at[1..], data: &target, kind: hash });
    transaction.create_set(&Set { name: PORTS_AT, key: &at, data: &target, kind: hash });
    transaction.create_set(&Set { name: RANGES, key: &at, data: &target[..1], kind: SetKind::Ranges });
}

fn create_guard(transaction: &mut Transaction<'_>) {
    transaction.create_chain("guard", FILTER(Hook::Prerouting, Priority::Raw));
    for offset in [DESTINATION, SOURCE] {
        let loopback = Expression::Equal(KEY, &LOOPBACK_NET);
        transaction.append_rule("guard", &[byte_of_address(offset), loopback, CAME_BY, IN_BRIDGES, DROP]);
    }
}

fn create_publishing(transaction: &mut Transaction<'_>) {
    transaction.create_chain("publish", None);
    let address = |word| Expression::LoadPayload {
        header: Header::Network,
        offset: DESTINATION,
        length: 4,
        register: Register::word(word),
    };
    let protocol = |word| Expression::LoadMeta(Meta::TransportProtocol, Register::word(word));
    let port = |word| Expression::LoadPayload {
        header: Header::Transport,
        offset: DESTINATION_PORT,
        length: 2,
        register: Register::word(word),
    };
    let find = |map| Expression::Map { map, key: KEY, data: TARGET_ADDRESS };
    let to_port = Expression::Dnat { address: TARGET_ADDRESS, port: Some(TARGET_PORT) };
    let same_port = Expression::Dnat { address: TARGET_ADDRESS, port: None };
    transaction.append_rule("publish", &[address(0), protocol(1), port(2), find(PORTS_AT), to_port]);
    transaction.append_rule("publish", &[protocol(0), port(1), find(PORTS), to_port]);
    transaction.append_rule("publish", &[address(0), protocol(1), port(2), find(RANGES), same_port]);

    let to_this_host = [Expression::LoadDestinationType(KEY), Expression::Equal(KEY, &RTN_LOCAL)];
    let publish = Expression::Verdict(Verdict::Goto("publish"));
    transaction.create_chain("prerouting", NAT(Hook::Prerouting, Priority::DestinationNat));
    // What the wire addresses to 127.0.0.1 is for nobody, also where somebody lets it in (route_localnet).
    let elsewhere = [byte_of_address(DESTINATION), Expression::NotEqual(KEY, &LOOPBACK_NET)];
    transaction
        .append_rule("prerouting", &[elsewhere[0], elsewhere[1], to_this_host[0], to_this_host[1], publish]);
    transaction.create_chain("output", NAT(Hook::Output, Priority::DestinationNat));
    transaction.append_rule("output", &[to_this_host[0], to_this_host[1], publish]);
}

fn create_forwarding(transaction: &mut Transaction<'_>) {
    let [load_status, mask_status, is_published] = PUBLISHED;
    let [came, leaves, stays] = STAYS;
    let known = [
        Expression::LoadConntrack(Conntrack::State, KEY),
        Expression::Mask(KEY, Conntrack::ESTABLISHED_OR_RELATED),
        Expression::NotEqual(KEY, &NO_BITS),
        ACCEPT,
    ];
    transaction.create_chain("same", None);
    transaction.append_rule("same", &[load_status, mask_status, is_published, ACCEPT]);
    transaction.append_rule("same", &[CAME_BY, Expression::InSet(SEPARATED, KEY), DROP]);
    transaction.create_chain("forward", FILTER(Hook::Forward, Priority::Filter));
    transaction.append_rule("forward", &known);
    transaction.append_rule("forward", &[came, leaves, stays, Expression::Verdict(Verdict::Goto("same"))]);
    transaction.append_rule("forward", &[CAME_BY, Expression::InSet(INTERNAL, KEY), DROP]);
    transaction.append_rule("forward", &[LEAVES_BY, Expression::InSet(INTERNAL, KEY), DROP]);
    let published = [LEAVES_BY, IN_BRIDGES, load_status, mask_status, is_published, ACCEPT];
    transaction.append_rule("forward", &published);
    transaction.append_rule("forward", &[LEAVES_BY, IN_BRIDGES, DROP]);
}

fn create_postrouting(transaction: &mut Transaction<'_>) {
    let [load_status, mask_status, is_published] = PUBLISHED;
    let masquerade = Expression::Masquerade;
    let loopback = [byte_of_address(SOURCE), Expression::Equal(KEY, &LOOPBACK_NET)];
    transaction.create_chain("postrouting", NAT(Hook::Postrouting, Priority::SourceNat));
    transaction.append_rule("postrouting", &[LEAVES_BY, IN_BRIDGES, loopback[0], loopback[1], masquerade]);
    // By address and not by the interface it came by: a frame that stays on the bridge (br_netfilter) has none here.
    let source =
        Expression::LoadPayload { header: Header::Network, offset: SOURCE, length: 4, register: KEY };
    let hairpin = [
        LEAVES_BY,
        IN_BRIDGES,
        load_status,
        mask_status,
        is_published,
        source,
        Expression::LoadMeta(Meta::InterfaceOut, Register::word(1)),
        Expression::InSet(MEMBERS, KEY),
        masquerade,
    ];
    transaction.append_rule("postrouting", &hairpin);
    let leaving = [
        CAME_BY,
        Expression::InSet(MASQUERADED, KEY),
        LEAVES_BY,
        Expression::NotInSet(BRIDGES, KEY),
        masquerade,
    ];
    transaction.append_rule("postrouting", &leaving);
}

/// The sets that a network belongs to, and as what; in those with `true` only if it is of that sort.
fn memberships(network: &BridgeNetwork) -> [(&'static str, Element, bool); 6] {
    let name = || Words::new().with_ifname(&network.bridge);
    let bridge = || Element::value(name());
    let address = |ip: Ipv4Addr| Words::new().with(&ip.octets()).with_ifname(&network.bridge);
    let (first, last) = (address(network.subnet.address()), address(network.subnet.last()));
    let members = Element { key: first, key_end: Some(last), data: None };
    [
        (BRIDGES, bridge(), true),
        (SAME, Element::value(name().with_ifname(&network.bridge)), true),
        (MEMBERS, members, true),
        (INTERNAL, bridge(), network.internal),
        (SEPARATED, bridge(), !network.icc),
        (MASQUERADED, bridge(), network.masquerade && !network.internal),
    ]
}

/// Whether the network is in the table.
pub(crate) fn has_network(sockets: &NetworkSockets, network: &BridgeNetwork) -> Result<bool, NftError> {
    let key = Words::new().with_ifname(&network.bridge);
    Ok(query::element(&sockets.netfilter, FAMILY, &sockets.table, BRIDGES, key)?.is_some())
}

/// Enters the network, making the table if need be.
pub(crate) fn add_network(sockets: &NetworkSockets, network: &BridgeNetwork) -> Result<(), NftError> {
    let mut tries = 0;
    loop {
        create_table(sockets)?;
        let mut transaction = Transaction::new(FAMILY, &sockets.table);
        for (set, element, _) in memberships(network).into_iter().filter(|(_, _, belongs)| *belongs) {
            transaction.add_elements(set, &[element]);
        }
        match transaction.commit(&sockets.netfilter) {
            // Another process removed the last network, and the table with it, in between.
            Err(error) if error.errno() == Some(Errno::NOENT) && tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

/// Takes the network out of every set, and the table away when it was the last.
pub(crate) fn remove_network(sockets: &NetworkSockets, network: &BridgeNetwork) -> Result<(), NftError> {
    // One by one, since a missing element refuses its whole transaction; and `bridges` last, so that a removal cut
    // short is still to be seen there.
    for (set, element, _) in memberships(network).into_iter().rev() {
        let mut transaction = Transaction::new(FAMILY, &sockets.table);
        transaction.delete_elements(set, &[element]);
        match transaction.commit(&sockets.netfilter) {
            Err(error) if error.errno() == Some(Errno::NOENT) => {}
            other => other?,
        }
    }
    remove_table_if_empty(sockets)
}

/// Removes the table when no network is left, unless somebody enters one at this moment.
fn remove_table_if_empty(sockets: &NetworkSockets) -> Result<(), NftError> {
    for _ in 0..TRIES {
        let generation = query::generation(&sockets.netfilter)?;
        if !query::elements(&sockets.netfilter, FAMILY, &sockets.table, BRIDGES)?.is_empty() {
            return Ok(());
        }
        let mut transaction = Transaction::at_generation(FAMILY, &sockets.table, generation);
        transaction.delete_table();
        match transaction.commit(&sockets.netfilter) {
            // Something changed since the generation was read: look again.
            Err(error) if is_restart(&error) => {}
            Err(error) if error.errno() == Some(Errno::NOENT) => return Ok(()),
            other => return other,
        }
    }
    Ok(())
}

/// `ERESTART`, which only the kernel uses and so has no name here.
fn is_restart(error: &NftError) -> bool {
    error.errno().is_some_and(|errno| errno.raw_os_error() == 85)
}
