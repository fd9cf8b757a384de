//! The next free address of a network.

use crate::Ipv4Subnet;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The address after `last` that is free, wrapping at the end of the subnet; `None` when all are taken.
///
/// Going on from the last choice and not from the start keeps a just-freed address out of use for as long as
/// possible, so that peers with open connections to it do not meet a stranger. The network's first and last address
/// and the gateway are never chosen. With `range`, only addresses in it are.
#[must_use]
pub fn next_address(
    subnet: Ipv4Subnet,
    range: Option<Ipv4Subnet>,
    gateway: Ipv4Addr,
    used: &BTreeSet<Ipv4Addr>,
    last: Option<Ipv4Addr>,
) -> Option<Ipv4Addr> {
    let (mut first, mut end) = subnet.host_range();
    if let Some(range) = range {
        (first, end) = (first.max(range.address()), end.min(range.last()));
    }
    let start = match last {
        Some(last) if last >= first && last < end => Ipv4Addr::from_bits(last.to_bits() + 1),
        _ => first,
    };
    first_gap(start, end, gateway, used).or_else(|| {
        let before = Ipv4Addr::from_bits(start.to_bits().checked_sub(1)?);
        if before < first { None } else { first_gap(first, before, gateway, used) }
    })
}

/// The first address from `start` to `end` that is neither used nor the gateway. Walks the used ones only, so a
/// large subnet costs nothing.
fn first_gap(
    start: Ipv4Addr,
    end: Ipv4Addr,
    gateway: Ipv4Addr,
    used: &BTreeSet<Ipv4Addr>,
) -> Option<Ipv4Addr> {
    if start > end {
        return None;
    }
    let mut candidate = start.to_bits();
    for taken in used.range(start..=end) {
        if candidate == gateway.to_bits() {
            candidate = candidate.checked_add(1)?;
        }
        if taken.to_bits() > candidate {
            break;
        }
        if taken.to_bits() == candidate {
            candidate = candidate.checked_add(1)?;
        }
    }
    if candidate == gateway.to_bits() {
        candidate = candidate.checked_add(1)?;
        // What follows the gateway may itself be used; the walk above stopped before it.
        while used.contains(&Ipv4Addr::from_bits(candidate)) {
            candidate = candidate.checked_add(1)?;
        }
    }
    (candidate <= end.to_bits()).then(|| Ipv4Addr::from_bits(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn subnet() -> Ipv4Subnet {
        Ipv4Subnet::parse("10.1.2.0/29").unwrap()
    }

    fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 1, 2, last)
    }

    #[test]
    fn starts_behind_the_gateway_and_goes_on() {
        let none = BTreeSet::new();
        assert_eq!(next_address(subnet(), None, ip(1), &none, None), Some(ip(2)));
        assert_eq!(next_address(subnet(), None, ip(1), &none, Some(ip(2))), Some(ip(3)));
        assert_eq!(next_address(subnet(), None, ip(1), &none, Some(ip(6))), Some(ip(2)));
        assert_eq!(next_address(subnet(), None, ip(1), &BTreeSet::from([ip(3)]), Some(ip(2))), Some(ip(4)));
    }

    #[test]
    fn says_when_all_are_taken() {
        let all: BTreeSet<_> = (2..=6).map(ip).collect();
        assert_eq!(next_address(subnet(), None, ip(1), &all, None), None);
        assert_eq!(next_address(subnet(), None, ip(1), &all, Some(ip(4))), None);
    }

    #[test]
    fn a_range_bounds_the_choice() {
        let range = Some(Ipv4Subnet::parse("10.1.2.4/31").unwrap());
        let next = |used: &[Ipv4Addr], last| {
            next_address(subnet(), range, ip(1), &used.iter().copied().collect(), last)
        };
        assert_eq!(next(&[], None), Some(ip(4)));
        assert_eq!(next(&[ip(4)], Some(ip(4))), Some(ip(5)));
        assert_eq!(next(&[ip(4)], Some(ip(5))), Some(ip(5)));
        assert_eq!(next(&[ip(4), ip(5)], Some(ip(5))), None);
    }

    #[test]
    fn the_end_of_the_address_space_is_no_trap() {
        let top = Ipv4Subnet::parse("255.255.255.254/31").unwrap();
        let used = BTreeSet::from([Ipv4Addr::new(255, 255, 255, 254)]);
        assert_eq!(next_address(top, None, Ipv4Addr::BROADCAST, &used, None), None);
    }

    proptest! {
        #[test]
        fn finds_one_exactly_when_there_is_one(
            taken in proptest::collection::btree_set(0u8..8, 0..8), gateway in 1u8..7, last in proptest::option::of(0u8..8)
        ) {
            let used: BTreeSet<_> = taken.into_iter().map(ip).collect();
            let free: Vec<_> = (1..=6).map(ip).filter(|at| *at != ip(gateway) && !used.contains(at)).collect();
            let chosen = next_address(subnet(), None, ip(gateway), &used, last.map(ip));
            // The first free one behind the last choice, or else the very first.
            let behind = last.map(ip).and_then(|last| free.iter().find(|at| **at > last).copied());
            prop_assert_eq!(chosen, behind.or(free.first().copied()));
        }
    }
}
