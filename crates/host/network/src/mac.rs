//! A hardware address.

use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A text is no unicast hardware address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid MAC address {text:?}: expected six hexadecimal bytes with colons, not a group address")]
pub struct InvalidMac {
    /// What was given.
    pub text: String,
}

/// Six bytes, of one interface (never a group address, which no interface may have).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// Docker's choice for an address: `02:42` and the four bytes of the address; locally administered.
    #[must_use]
    pub fn from_ipv4(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Self([0x02, 0x42, a, b, c, d])
    }

    /// Parses `02:42:ac:11:00:02` (`-` as separator too, as Go's `net.ParseMAC` accepts).
    ///
    /// # Errors
    /// When the text is not six such bytes, is a group address, or is zero.
    pub fn parse(text: &str) -> Result<Self, InvalidMac> {
        let invalid = || InvalidMac { text: text.chars().take(64).collect() };
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut bytes = [0; 6];
        let mut parts = text.split(separator);
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(invalid)?;
            if part.len() != 2 || !part.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(invalid());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| invalid())?;
        }
        if parts.next().is_some() || bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Err(invalid());
        }
        Ok(Self(bytes))
    }

    /// The bytes in the order of the wire.
    #[must_use]
    pub fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl std::fmt::Display for MacAddr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl std::str::FromStr for MacAddr {
    type Err = InvalidMac;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for MacAddr {
    type Error = InvalidMac;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<MacAddr> for String {
    fn from(mac: MacAddr) -> Self {
        mac.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_docker() {
        let mac = MacAddr::from_ipv4(Ipv4Addr::new(172, 17, 0, 2));
        assert_eq!(mac.to_string(), "02:42:ac:11:00:02");
        assert_eq!(MacAddr::parse("02:42:AC:11:00:02"), Ok(mac));
        assert_eq!(MacAddr::parse("02-42-ac-11-00-02"), Ok(mac));
    }

    #[test]
    fn refuses_group_addresses_and_other_texts() {
        for text in [
            "",
            "01:00:5e:00:00:01",
            "ff:ff:ff:ff:ff:ff",
            "02:42:ac:11:00",
            "2:42:ac:11:00:02",
            "00:00:00:00:00:00",
        ] {
            assert!(MacAddr::parse(text).is_err(), "{text}");
        }
    }
}
