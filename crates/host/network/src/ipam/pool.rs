//! Subnets for networks that did not ask for one.

use crate::Ipv4Subnet;
use std::net::Ipv4Addr;

/// A block that is cut into subnets of one size (`default-address-pools` of dockerd's configuration).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// The block to cut.
    pub base: Ipv4Subnet,
    /// The prefix length of each piece, not shorter than the block's own.
    pub size: u8,
}

const fn pool(a: u8, b: u8, prefix_len: u8, size: u8) -> (Ipv4Addr, u8, u8) {
    (Ipv4Addr::new(a, b, 0, 0), prefix_len, size)
}

/// Docker's own pools as base address, base prefix and piece size: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16
/// in /20 (moby, `ipamutils`: the local scope's default networks).
pub const DEFAULT_POOLS: &[(Ipv4Addr, u8, u8)] = &[
    pool(172, 17, 16, 16),
    pool(172, 18, 16, 16),
    pool(172, 19, 16, 16),
    pool(172, 20, 14, 16),
    pool(172, 24, 14, 16),
    pool(172, 28, 14, 16),
    pool(192, 168, 16, 20),
];

impl Pool {
    /// [`DEFAULT_POOLS`] as values.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        DEFAULT_POOLS
            .iter()
            .filter_map(|(address, prefix, size)| {
                Some(Self { base: Ipv4Subnet::new(*address, *prefix).ok()?, size: *size })
            })
            .collect()
    }
}

/// The first piece of the pools that overlaps nothing in use: neither a route of the host nor another network.
///
/// A default route (prefix 0) is no obstacle: it leads everywhere and owns nothing.
#[must_use]
pub fn free_subnet(pools: &[Pool], in_use: &[Ipv4Subnet]) -> Option<Ipv4Subnet> {
    pools.iter().find_map(|pool| free_piece(*pool, in_use))
}

fn free_piece(pool: Pool, in_use: &[Ipv4Subnet]) -> Option<Ipv4Subnet> {
    if pool.size < pool.base.prefix_len() {
        return None;
    }
    let mut address = pool.base.address();
    loop {
        let piece = Ipv4Subnet::new(address, pool.size).ok()?;
        // Step over the whole obstacle: small pieces in a large used block would otherwise take a step each.
        let obstacle = in_use.iter().filter(|used| used.prefix_len() > 0).find(|used| used.overlaps(piece));
        let Some(obstacle) = obstacle else { return Some(piece) };
        let end = piece.last().max(obstacle.last());
        if end >= pool.base.last() {
            return None;
        }
        address = Ipv4Addr::from_bits(end.to_bits().checked_add(1)?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnets(texts: &[&str]) -> Vec<Ipv4Subnet> {
        texts.iter().map(|text| Ipv4Subnet::parse(text).unwrap()).collect()
    }

    fn chosen(in_use: &[&str]) -> Option<String> {
        free_subnet(&Pool::defaults(), &subnets(in_use)).map(|subnet| subnet.to_string())
    }

    #[test]
    fn chooses_as_docker_does() {
        assert_eq!(chosen(&[]).as_deref(), Some("172.17.0.0/16"));
        assert_eq!(chosen(&["0.0.0.0/0", "172.17.0.0/16"]).as_deref(), Some("172.18.0.0/16"));
        assert_eq!(chosen(&["172.17.3.0/24", "172.18.0.1/32"]).as_deref(), Some("172.19.0.0/16"));
        assert_eq!(chosen(&["172.16.0.0/12"]).as_deref(), Some("192.168.0.0/20"));
        assert_eq!(chosen(&["172.16.0.0/12", "192.168.1.0/24"]).as_deref(), Some("192.168.16.0/20"));
        assert_eq!(chosen(&["172.16.0.0/12", "192.168.0.0/16"]), None);
    }

    #[test]
    fn a_huge_used_block_takes_one_step() {
        let pools = [Pool { base: Ipv4Subnet::parse("10.0.0.0/8").unwrap(), size: 30 }];
        let answer = free_subnet(&pools, &subnets(&["10.0.0.0/9"])).unwrap();
        assert_eq!(answer.to_string(), "10.128.0.0/30");
    }

    #[test]
    fn pieces_larger_than_their_block_are_none() {
        let pools = [Pool { base: Ipv4Subnet::parse("10.0.0.0/24").unwrap(), size: 16 }];
        assert_eq!(free_subnet(&pools, &[]), None);
    }
}
