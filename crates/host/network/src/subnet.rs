//! An IPv4 address block.

use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A text or a pair is no IPv4 subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid subnet {text:?}: {rule}")]
pub struct InvalidSubnet {
    /// What was given.
    pub text: String,
    /// The rule it breaks, in words.
    pub rule: &'static str,
}

/// Address and prefix length, with no bit set behind the prefix (`172.17.0.0/16`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ipv4Subnet {
    address: Ipv4Addr,
    prefix_len: u8,
}

impl Ipv4Subnet {
    /// The block that `address` lies in: bits behind the prefix are cleared, as Docker does for `--subnet`.
    ///
    /// # Errors
    /// When the prefix is longer than 32 bits.
    pub fn new(address: Ipv4Addr, prefix_len: u8) -> Result<Self, InvalidSubnet> {
        if prefix_len > 32 {
            return Err(InvalidSubnet {
                text: format!("{address}/{prefix_len}"),
                rule: "a prefix has at most 32 bits",
            });
        }
        let address = Ipv4Addr::from_bits(address.to_bits() & mask(prefix_len));
        Ok(Self { address, prefix_len })
    }

    /// Parses `address/prefix`.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn parse(text: &str) -> Result<Self, InvalidSubnet> {
        let invalid = |rule| InvalidSubnet { text: text.chars().take(64).collect(), rule };
        let (address, prefix) = text.split_once('/').ok_or_else(|| invalid("expected address/prefix"))?;
        let address = address.parse().map_err(|_| invalid("the address is no IPv4 address"))?;
        if prefix.is_empty() || prefix.len() > 2 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("the prefix is no number from 0 to 32"));
        }
        let prefix = prefix.parse().map_err(|_| invalid("the prefix is no number from 0 to 32"))?;
        Self::new(address, prefix)
    }

    /// The first address, which names the network.
    #[must_use]
    pub fn address(self) -> Ipv4Addr {
        self.address
    }

    /// How many leading bits all members share.
    #[must_use]
    pub fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// The last address; the broadcast address where there is one.
    #[must_use]
    pub fn last(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() | !mask(self.prefix_len))
    }

    /// Whether the address lies in the block.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & mask(self.prefix_len) == self.address.to_bits()
    }

    /// Whether the blocks share an address.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }

    /// The first and the last address that a host may have. A /31 and a /32 have no address to spare (RFC 3021).
    #[must_use]
    pub fn host_range(self) -> (Ipv4Addr, Ipv4Addr) {
        if self.prefix_len >= 31 {
            return (self.address, self.last());
        }
        (Ipv4Addr::from_bits(self.address.to_bits() + 1), Ipv4Addr::from_bits(self.last().to_bits() - 1))
    }

    /// The address that the bridge gets when nobody chose one: the first usable.
    #[must_use]
    pub fn default_gateway(self) -> Ipv4Addr {
        self.host_range().0
    }
}

/// The netmask of a prefix of 0 to 32 bits.
fn mask(prefix_len: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix_len)).unwrap_or(0)
}

impl std::fmt::Display for Ipv4Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

impl std::str::FromStr for Ipv4Subnet {
    type Err = InvalidSubnet;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Ipv4Subnet {
    type Error = InvalidSubnet;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Ipv4Subnet> for String {
    fn from(subnet: Ipv4Subnet) -> Self {
        subnet.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clears_the_bits_behind_the_prefix() {
        let subnet = Ipv4Subnet::parse("172.17.42.9/16").unwrap();
        assert_eq!(subnet.to_string(), "172.17.0.0/16");
        assert_eq!(subnet.last(), Ipv4Addr::new(172, 17, 255, 255));
        assert_eq!(subnet.default_gateway(), Ipv4Addr::new(172, 17, 0, 1));
    }

    #[test]
    fn the_extreme_prefixes_work() {
        let all = Ipv4Subnet::parse("1.2.3.4/0").unwrap();
        assert!(all.contains(Ipv4Addr::BROADCAST));
        let one = Ipv4Subnet::parse("1.2.3.4/32").unwrap();
        assert_eq!(one.host_range(), (one.address(), one.address()));
        assert!(all.overlaps(one) && one.overlaps(all));
        assert!(!one.overlaps(Ipv4Subnet::parse("1.2.3.5/32").unwrap()));
    }

    #[test]
    fn refuses_what_is_no_subnet() {
        for text in
            ["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/+8", "::/8", "10.0.0.0/008"]
        {
            assert!(Ipv4Subnet::parse(text).is_err(), "{text}");
        }
    }
}
