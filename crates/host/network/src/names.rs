//! Interface names, made from identifiers so that a crash leaves nothing that cannot be found again.
//!
//! The kernel allows 15 bytes. Ours are two letters for the kind (`sb` bridge, `sv` host end of a veth pair), six
//! base-32 digits of the instance and seven of the object: two instances collide once in 2^30, two objects of one
//! instance once in 2^35 (and creating then fails with the name, it does not share).

use ids::{EndpointId, InstanceId, NetworkId};

/// `IFNAMSIZ` less the terminating zero.
pub const IFNAME_MAX: usize = 15;
/// The bridge of the default network on a host with one instance.
pub const DEFAULT_BRIDGE: &str = "sampan0";

const BRIDGE: &str = "sb";
const ENDPOINT: &str = "sv";
const INSTANCE_DIGITS: usize = 6;
const OBJECT_DIGITS: usize = 7;
/// RFC 4648 section 6, lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The first `count` base-32 digits of a hexadecimal text; at most eleven.
fn base32(hex: &str, count: usize) -> String {
    let mut bits = 0u64;
    for digit in hex.bytes().take(16).chain(std::iter::repeat(b'0')).take(16) {
        bits = bits << 4 | u64::from((digit as char).to_digit(16).unwrap_or(0));
    }
    (0..count).map(|at| ALPHABET[(bits >> (59 - 5 * at) & 31) as usize] as char).collect()
}

/// What every bridge name of the instance starts with (but for [`DEFAULT_BRIDGE`]).
#[must_use]
pub fn bridge_prefix(instance: &InstanceId) -> String {
    format!("{BRIDGE}{}", base32(instance.as_str(), INSTANCE_DIGITS))
}

/// What the host end of every endpoint of the instance starts with.
#[must_use]
pub fn endpoint_prefix(instance: &InstanceId) -> String {
    format!("{ENDPOINT}{}", base32(instance.as_str(), INSTANCE_DIGITS))
}

/// The bridge of a network.
#[must_use]
pub fn bridge(instance: &InstanceId, network: &NetworkId) -> String {
    format!("{}{}", bridge_prefix(instance), base32(network.as_str(), OBJECT_DIGITS))
}

/// The bridge of the instance's default network: `sampan0` when `is_free` says that nobody else has it, otherwise
/// a name like every other network's. To be decided once, under the host-wide lock, and stored.
pub fn default_bridge(
    instance: &InstanceId,
    network: &NetworkId,
    is_free: impl FnOnce(&str) -> bool,
) -> String {
    if is_free(DEFAULT_BRIDGE) { DEFAULT_BRIDGE.to_owned() } else { bridge(instance, network) }
}

/// The host's end of an endpoint's veth pair.
#[must_use]
pub fn endpoint_link(instance: &InstanceId, endpoint: &EndpointId) -> String {
    format!("{}{}", endpoint_prefix(instance), base32(endpoint.as_str(), OBJECT_DIGITS))
}

/// The instance's nf_tables table.
#[must_use]
pub fn table(instance: &InstanceId) -> String {
    format!("sampan-{instance}")
}

/// Whether the kernel takes the name for an interface (`dev_valid_name`): 1 to 15 bytes, no slash, colon, space,
/// and neither `.` nor `..`.
#[must_use]
pub fn is_valid_ifname(name: &str) -> bool {
    (1..=IFNAME_MAX).contains(&name.len())
        && name != "."
        && name != ".."
        && !name
            .bytes()
            .any(|byte| matches!(byte, b'/' | b':' | b'%') || byte.is_ascii_whitespace() || byte < b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_differ() {
        let (one, two) = (InstanceId::random(), InstanceId::parse("00000000").unwrap());
        let network = NetworkId::random();
        let endpoint = EndpointId::random();
        for name in [bridge(&one, &network), bridge(&two, &network), endpoint_link(&one, &endpoint)] {
            assert_eq!(name.len(), IFNAME_MAX, "{name}");
            assert!(is_valid_ifname(&name));
        }
        assert_ne!(bridge(&one, &network)[2..8], bridge(&two, &network)[2..8]);
        assert!(endpoint_link(&one, &endpoint).starts_with(&endpoint_prefix(&one)));
    }

    #[test]
    fn digits_are_those_of_rfc_4648() {
        assert_eq!(base32("00000000", 6), "aaaaaa");
        assert_eq!(base32("ffffffff", 6), "777777");
        assert_eq!(base32("f0000000", 6), "6aaaaa");
    }

    #[test]
    fn the_default_bridge_yields() {
        let (instance, network) = (InstanceId::random(), NetworkId::random());
        assert_eq!(default_bridge(&instance, &network, |_| true), "sampan0");
        assert_eq!(default_bridge(&instance, &network, |_| false), bridge(&instance, &network));
    }

    #[test]
    fn refuses_what_the_kernel_refuses() {
        for name in ["", ".", "..", "a/b", "a b", "a:b", "sixteen-bytes-xx", "a%d"] {
            assert!(!is_valid_ifname(name), "{name}");
        }
    }
}
