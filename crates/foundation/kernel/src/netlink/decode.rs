//! Reading answers. Every length is checked; what does not fit ends the walk.

use super::NLA_TYPE_MASK;
use std::net::Ipv4Addr;

/// The attributes in `bytes`: type without its flags, and value.
#[must_use]
pub fn attributes(bytes: &[u8]) -> Attributes<'_> {
    Attributes { rest: bytes }
}

/// Walks attributes; see [`attributes`].
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (header, _) = self.rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & NLA_TYPE_MASK;
        let value = self.rest.get(4..length)?;
        self.rest = self.rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

impl<'a> Attributes<'a> {
    /// The value of the first attribute of that type.
    #[must_use]
    pub fn find_kind(&self, kind: u16) -> Option<&'a [u8]> {
        self.clone().find(|(found, _)| *found == kind).map(|(_, value)| value)
    }
}

/// A number in the machine's byte order.
#[must_use]
pub fn u32_ne(value: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(value.try_into().ok()?))
}

/// A number in network byte order.
#[must_use]
pub fn be32(value: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(value.try_into().ok()?))
}

/// A number in network byte order.
#[must_use]
pub fn be16(value: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(value.try_into().ok()?))
}

/// An IPv4 address.
#[must_use]
pub fn ipv4(value: &[u8]) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = value.try_into().ok()?;
    Some(Ipv4Addr::from(octets))
}

/// A text up to its terminating zero.
#[must_use]
pub fn text(value: &[u8]) -> Option<&str> {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    std::str::from_utf8(&value[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_lengths_end_the_walk() {
        for bytes in [&[][..], &[4], &[3, 0, 1, 0], &[0, 0, 1, 0], &[9, 0, 1, 0, 1, 2, 3, 4]] {
            assert_eq!(attributes(bytes).next(), None, "{bytes:?}");
        }
        // The last attribute may lack its padding.
        assert_eq!(attributes(&[5, 0, 1, 0x80, 7]).collect::<Vec<_>>(), [(1, &[7u8][..])]);
    }

    #[test]
    fn any_bytes_are_walked_to_an_end() {
        let mut state = 1u32;
        for length in 0..2000 {
            let bytes: Vec<u8> = (0..length % 97)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 28) as u8
                })
                .collect();
            assert!(attributes(&bytes).count() <= bytes.len() / 4 + 1);
        }
    }

    #[test]
    fn values_of_the_wrong_size_are_none() {
        assert_eq!((u32_ne(&[1]), be32(&[1; 5]), be16(&[]), ipv4(&[1, 2, 3])), (None, None, None, None));
        assert_eq!((text(b"lo\0junk"), text(b"\xff")), (Some("lo"), None));
    }
}
