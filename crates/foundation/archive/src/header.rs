//! The 512-byte header block (POSIX.1-2017 `pax`, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").

use crate::entry::Device;
use crate::read_error::Problem;

/// The size of a header and the unit to which content is padded.
pub(crate) const BLOCK: usize = 512;

pub(crate) type Block = [u8; BLOCK];

/// Which of the formats a header follows; it decides where fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Before POSIX: nothing after the link name.
    V7,
    /// POSIX.1-1988: magic `ustar`, prefix.
    Ustar,
    /// J. Schilling's: as POSIX, with a shorter prefix, and a trailer.
    Star,
    /// GNU: magic `ustar` and two spaces; no prefix, but sparse maps.
    Gnu,
}

/// A header block whose check sum is right.
pub(crate) struct Header<'a> {
    block: &'a Block,
    pub(crate) format: Format,
}

impl<'a> Header<'a> {
    /// Looks at a block; `verify` is off only for fuzzing, which would never guess a check sum.
    pub(crate) fn new(block: &'a Block, verify: bool) -> Result<Self, Problem> {
        if verify && !checksum_fits(block) {
            return Err(Problem::Checksum);
        }
        let format = match &block[257..265] {
            b"ustar  \0" => Format::Gnu,
            magic if magic.starts_with(b"ustar\0") && block[508..] == *b"tar\0" => Format::Star,
            magic if magic.starts_with(b"ustar\0") => Format::Ustar,
            _ => Format::V7,
        };
        let header = Self { block, format };
        // Old Go wrote a POSIX prefix under the GNU magic, where others read two times: nobody can tell which.
        if format == Format::Gnu && number(&block[345..357]).is_none() {
            return Err(Problem::Number { field: "atime" });
        }
        Ok(header)
    }

    pub(crate) fn flag(&self) -> u8 {
        self.block[156]
    }

    /// The name with its prefix.
    pub(crate) fn path(&self) -> Vec<u8> {
        let name = text(&self.block[..100]);
        let prefix = match self.format {
            Format::Ustar => text(&self.block[345..500]),
            Format::Star => text(&self.block[345..476]),
            Format::V7 | Format::Gnu => &[],
        };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    pub(crate) fn link(&self) -> Vec<u8> {
        text(&self.block[157..257]).to_vec()
    }

    pub(crate) fn mode(&self) -> Result<u32, Problem> {
        // Some writers leave the file type in: it is dropped.
        Ok((unsigned(&self.block[100..108], "mode")? & 0o7777) as u32)
    }

    pub(crate) fn uid(&self) -> Result<u32, Problem> {
        id(unsigned(&self.block[108..116], "uid")?, "uid")
    }

    pub(crate) fn gid(&self) -> Result<u32, Problem> {
        id(unsigned(&self.block[116..124], "gid")?, "gid")
    }

    pub(crate) fn size(&self) -> Result<u64, Problem> {
        unsigned(&self.block[124..136], "size")
    }

    pub(crate) fn mtime(&self) -> Result<i64, Problem> {
        number(&self.block[136..148]).ok_or(Problem::Number { field: "mtime" })
    }

    pub(crate) fn device(&self) -> Result<Device, Problem> {
        if self.format == Format::V7 {
            return Err(Problem::Empty { field: "device number" });
        }
        let major = unsigned(&self.block[329..337], "device major")?;
        let minor = unsigned(&self.block[337..345], "device minor")?;
        if major > 0xfff {
            return Err(Problem::Range { field: "device major", value: major as i64 });
        }
        if minor > 0xf_ffff {
            return Err(Problem::Range { field: "device minor", value: minor as i64 });
        }
        Ok(Device { major: major as u32, minor: minor as u32 })
    }
}

/// Whether the stored sum is that of the bytes, with the sum's own field taken as spaces. Some old writers added
/// the bytes as signed ones.
fn checksum_fits(block: &Block) -> bool {
    let (mut plain, mut signed) = (0i64, 0i64);
    for (index, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&index) { b' ' } else { *byte };
        plain += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    let stored = octal(&block[148..156]);
    block[148..156].iter().any(u8::is_ascii_digit) && (stored == Some(plain) || stored == Some(signed))
}

/// The bytes up to the first NUL.
pub(crate) fn text(field: &[u8]) -> &[u8] {
    field.iter().position(|byte| *byte == 0).map_or(field, |end| &field[..end])
}

/// A number in octal text or in the big-endian form that GNU tar uses for large ones.
pub(crate) fn number(field: &[u8]) -> Option<i64> {
    match field.first()? {
        first if first & 0x80 != 0 => base_256(field),
        _ => octal(field),
    }
}

/// Spaces, octal digits, then nothing but NULs and spaces. An empty field is 0.
fn octal(field: &[u8]) -> Option<i64> {
    let start = field.iter().position(|byte| *byte != b' ' && *byte != 0).unwrap_or(field.len());
    let digits = field[start..].iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let (number, rest) = field[start..].split_at(digits);
    if rest.iter().any(|byte| *byte != b' ' && *byte != 0) {
        return None;
    }
    number.iter().try_fold(0i64, |sum, digit| sum.checked_mul(8)?.checked_add(i64::from(digit - b'0')))
}

/// Two's complement without the top bit, which only marks the form.
fn base_256(field: &[u8]) -> Option<i64> {
    let negative = field[0] & 0x40 != 0;
    let first = i128::from(field[0] & 0x7f) - if negative { 0x80 } else { 0 };
    let sum = field[1..]
        .iter()
        .try_fold(first, |sum, byte| sum.checked_mul(256)?.checked_add(i128::from(*byte)))?;
    i64::try_from(sum).ok()
}

fn unsigned(field: &[u8], name: &'static str) -> Result<u64, Problem> {
    let value = number(field).ok_or(Problem::Number { field: name })?;
    u64::try_from(value).map_err(|_| Problem::Range { field: name, value })
}

/// An id that chown(2) takes; 4294967295 would mean "leave it".
pub(crate) fn id(value: u64, field: &'static str) -> Result<u32, Problem> {
    let range = Problem::Range { field, value: value.try_into().unwrap_or(i64::MAX) };
    u32::try_from(value).ok().filter(|id| *id != u32::MAX).ok_or(range)
}

/// A size field in its own right (sparse maps).
pub(crate) fn size_field(field: &[u8], name: &'static str) -> Result<u64, Problem> {
    unsigned(field, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_numbers_are_read_strictly() {
        for (field, expected) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"77777777", Some(0o7777_7777)),
            (b"0000648\0", None),
            (b"-000001\0", None),
            (b"+000001\0", None),
            (b"12 34   ", None),
            (b"12\x0034\0\0\0", None),
            (b"0x1f\0\0\0\0", None),
        ] {
            assert_eq!(number(field), expected, "{field:?}");
        }
    }

    #[test]
    fn large_numbers_do_not_wrap() {
        let mut field = [0u8; 12];
        field[0] = 0x80;
        field[10] = 2;
        assert_eq!(number(&field), Some(512));
        field[3] = 1;
        assert_eq!(number(&field), None, "2^64 + 512 must not be 512");
        assert_eq!(number(&[0xff; 12]), Some(-1));
        assert_eq!(number(&[0xff; 8]), Some(-1));
        assert_eq!(number(&[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Some(i64::MAX));
        assert_eq!(number(&[0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]), None);
        assert!(matches!(unsigned(&[0xff; 12], "size"), Err(Problem::Range { value: -1, .. })));
        assert_eq!(
            id(u64::from(u32::MAX), "uid").unwrap_err(),
            Problem::Range { field: "uid", value: 4_294_967_295 }
        );
    }
}
