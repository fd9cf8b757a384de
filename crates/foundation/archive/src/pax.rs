//! PAX extended headers (POSIX.1-2017 `pax`, "pax Header Block"), read strictly.
//!
//! Understood: path, linkpath, size, uid, gid, mtime, `SCHILY.xattr.*` (star and GNU tar) and `GNU.sparse.*`. Other
//! keys are passed over, as the standard asks.

use crate::entry::{Extent, Timestamp, Xattr};
use crate::header::id;
use crate::read_error::Problem;

/// What one extended header says about the entry after it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PaxHeader {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) mtime: Option<Timestamp>,
    /// As they come: a name may be there twice, and then the last counts.
    pub(crate) xattrs: Vec<Xattr>,
    pub(crate) sparse: PaxSparse,
}

/// The `GNU.sparse.*` keys (GNU tar manual, "Storing Sparse Files"): formats 0.0, 0.1 and 1.0.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PaxSparse {
    pub(crate) major: Option<u64>,
    pub(crate) minor: Option<u64>,
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) real_size: Option<u64>,
    pub(crate) count: Option<u64>,
    /// The map of 0.0 and 0.1.
    pub(crate) extents: Option<Vec<Extent>>,
    /// An offset of 0.0 whose length has not come yet.
    offset: Option<u64>,
}

impl PaxHeader {
    /// Reads the content of an `x` header.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, Problem> {
        let mut header = Self::default();
        for record in Records(content) {
            let (key, value) = record?;
            header.apply(key, value)?;
        }
        if header.sparse.offset.is_some() {
            return Err(Problem::SparseMap);
        }
        Ok(header)
    }

    fn apply(&mut self, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        match key {
            b"path" => self.path = Some(path(value, "path")?),
            b"linkpath" => self.link = Some(path(value, "link target")?),
            b"size" => self.size = Some(size(value, "size")?),
            b"uid" => self.uid = Some(id(decimal(value, "uid")?, "uid")?),
            b"gid" => self.gid = Some(id(decimal(value, "gid")?, "gid")?),
            b"mtime" => self.mtime = Some(time(value).ok_or(Problem::PaxValue { key: "mtime" })?),
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.add_xattr(name, value)?;
                } else if let Some(field) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.apply(field, value)?;
                }
            }
        }
        Ok(())
    }

    fn add_xattr(&mut self, name: &[u8], value: &[u8]) -> Result<(), Problem> {
        let name = decode_name(name);
        if name.is_empty() || name.contains(&0) {
            return Err(Problem::Nul { field: "attribute name" });
        }
        self.xattrs.push(Xattr { name, value: value.to_vec() });
        Ok(())
    }
}

impl PaxSparse {
    fn apply(&mut self, field: &[u8], value: &[u8]) -> Result<(), Problem> {
        match field {
            b"major" => self.major = Some(decimal(value, "GNU.sparse.major")?),
            b"minor" => self.minor = Some(decimal(value, "GNU.sparse.minor")?),
            b"name" => self.name = Some(path(value, "path")?),
            b"size" | b"realsize" => self.real_size = Some(size(value, "GNU.sparse.size")?),
            b"numblocks" => self.count = Some(decimal(value, "GNU.sparse.numblocks")?),
            b"offset" => {
                let offset = size(value, "GNU.sparse.offset")?;
                if self.offset.replace(offset).is_some() {
                    return Err(Problem::SparseMap);
                }
            }
            b"numbytes" => {
                let offset = self.offset.take().ok_or(Problem::SparseMap)?;
                let length = size(value, "GNU.sparse.numbytes")?;
                self.extents.get_or_insert_default().push(Extent { offset, length });
            }
            b"map" => self.extents = Some(map(value)?),
            _ => {}
        }
        Ok(())
    }
}

/// The map of format 0.1: offset and length in turn, with commas between.
fn map(value: &[u8]) -> Result<Vec<Extent>, Problem> {
    let mut extents = Vec::new();
    let mut numbers = value.split(|byte| *byte == b',');
    while let Some(offset) = numbers.next() {
        let length = numbers.next().ok_or(Problem::SparseMap)?;
        let extent =
            Extent { offset: size(offset, "GNU.sparse.map")?, length: size(length, "GNU.sparse.map")? };
        extents.push(extent);
    }
    Ok(extents)
}

/// Checks the content of a global header: what it may not say is what would change later entries, since GNU tar
/// applies it and Go's reader does not.
pub(crate) fn check_global(content: &[u8]) -> Result<(), Problem> {
    for record in Records(content) {
        let (key, _) = record?;
        let key = match key {
            b"path" => "path",
            b"linkpath" => "linkpath",
            b"size" => "size",
            b"uid" => "uid",
            b"gid" => "gid",
            b"mtime" => "mtime",
            _ if key.starts_with(b"SCHILY.xattr.") => "SCHILY.xattr",
            _ if key.starts_with(b"GNU.sparse.") => "GNU.sparse",
            _ => continue,
        };
        return Err(Problem::GlobalKey { key });
    }
    Ok(())
}

/// The records `LENGTH KEY=VALUE\n` of a header; the first malformed one is the last.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let record = self.record();
        if record.is_none() {
            self.0 = &[];
        }
        Some(record.ok_or(Problem::PaxRecord))
    }
}

impl<'a> Records<'a> {
    fn record(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let space = self.0.iter().take(20).position(|byte| *byte == b' ')?;
        let length = usize::try_from(digits(&self.0[..space])?).ok()?;
        let body = self.0.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = body.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
        if body[..equals].contains(&0) {
            return None;
        }
        self.0 = &self.0[length..];
        Some((&body[..equals], &body[equals + 1..]))
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn decimal(value: &[u8], key: &'static str) -> Result<u64, Problem> {
    digits(value).ok_or(Problem::PaxValue { key })
}

/// A size that also fits the kernel's signed offsets.
fn size(value: &[u8], key: &'static str) -> Result<u64, Problem> {
    decimal(value, key)?
        .try_into()
        .ok()
        .filter(|size: &i64| *size >= 0)
        .map(i64::cast_unsigned)
        .ok_or(Problem::PaxValue { key })
}

/// POSIX lets an empty value delete the field, others keep the header's or take it as it is: refused.
pub(crate) fn path(value: &[u8], field: &'static str) -> Result<Vec<u8>, Problem> {
    if value.is_empty() {
        return Err(Problem::Empty { field });
    }
    if value.contains(&0) {
        return Err(Problem::Nul { field });
    }
    Ok(value.to_vec())
}

/// `[-]SECONDS[.FRACTION]`; digits beyond nanoseconds are dropped.
fn time(value: &[u8]) -> Option<Timestamp> {
    let (negative, value) = value.strip_prefix(b"-").map_or((false, value), |rest| (true, rest));
    let dot = value.iter().position(|byte| *byte == b'.');
    let seconds = i64::try_from(digits(&value[..dot.unwrap_or(value.len())])?).ok()?;
    let fraction = dot.map_or(&b"0"[..], |at| &value[at + 1..]);
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut nanoseconds = 0;
    for place in 0..9 {
        nanoseconds = nanoseconds * 10 + u32::from(fraction.get(place).map_or(0, |digit| digit - b'0'));
    }
    Some(match (negative, nanoseconds) {
        (false, _) => Timestamp { seconds, nanoseconds },
        (true, 0) => Timestamp { seconds: -seconds, nanoseconds: 0 },
        (true, _) => Timestamp { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

/// Takes back what GNU tar does to names that hold a `=` or a `%` (its `xattr_encode_keyword`).
fn decode_name(name: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let (byte, next) = match rest {
            [b'%', b'3', b'D', tail @ ..] => (b'=', tail),
            [b'%', b'2', b'5', tail @ ..] => (b'%', tail),
            _ => (*first, after),
        };
        decoded.push(byte);
        rest = next;
    }
    decoded
}

/// Appends one record; the length counts itself.
pub(crate) fn push_record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length.to_string().len() + body != length {
        length = length.to_string().len() + body;
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// The key of an extended attribute, with `=` and `%` as GNU tar writes them.
pub(crate) fn xattr_key(name: &[u8]) -> Vec<u8> {
    let mut key = b"SCHILY.xattr.".to_vec();
    for byte in name {
        match byte {
            b'=' => key.extend_from_slice(b"%3D"),
            b'%' => key.extend_from_slice(b"%25"),
            _ => key.push(*byte),
        }
    }
    key
}

/// A time as a PAX value: the inverse of what the reader does.
pub(crate) fn time_value(time: Timestamp) -> String {
    if time.seconds >= 0 || time.nanoseconds == 0 {
        return if time.nanoseconds == 0 {
            time.seconds.to_string()
        } else {
            format!("{}.{:09}", time.seconds, time.nanoseconds)
        };
    }
    format!("-{}.{:09}", (time.seconds + 1).unsigned_abs(), 1_000_000_000 - time.nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(records: &[(&str, &str)]) -> Result<PaxHeader, Problem> {
        let mut content = Vec::new();
        for (key, value) in records {
            push_record(&mut content, key.as_bytes(), value.as_bytes());
        }
        PaxHeader::parse(&content)
    }

    #[test]
    fn malformed_records_are_errors_and_never_the_end() {
        for content in [
            &b"x7 path=evil\n"[..],
            b"13 path=other",
            b"99 path=a\n",
            b"7 path\n",
            b"5 =a\n",
            b"0 a=b\n",
            b"+9 path=a\n",
            b"10 path=ab\n\0\0\0",
        ] {
            assert_eq!(PaxHeader::parse(content).unwrap_err(), Problem::PaxRecord, "{content:?}");
        }
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(header(&[("path", "a\0b")]).unwrap_err(), Problem::Nul { field: "path" });
        assert_eq!(header(&[("path", "")]).unwrap_err(), Problem::Empty { field: "path" });
        for (key, value) in
            [("size", "-1"), ("size", "+5"), ("size", "9223372036854775808"), ("mtime", "1e5"), ("mtime", "")]
        {
            assert!(matches!(header(&[(key, value)]), Err(Problem::PaxValue { .. })), "{key}={value}");
        }
        assert!(matches!(header(&[("uid", "4294967295")]), Err(Problem::Range { .. })));
        assert_eq!(header(&[("GNU.sparse.map", "1,2,3")]).unwrap_err(), Problem::SparseMap);
        assert_eq!(header(&[("GNU.sparse.offset", "1")]).unwrap_err(), Problem::SparseMap);
        assert!(header(&[("comment", ""), ("SCHILY.fflags", "x")]).is_ok());
    }

    #[test]
    fn global_headers_may_not_change_entries() {
        let mut content = Vec::new();
        push_record(&mut content, b"comment", b"0123456789abcdef");
        assert!(check_global(&content).is_ok());
        push_record(&mut content, b"path", b"etc/shadow");
        assert_eq!(check_global(&content).unwrap_err(), Problem::GlobalKey { key: "path" });
    }

    #[test]
    fn negative_times_count_forward() {
        assert_eq!(time(b"-1.25"), Some(Timestamp { seconds: -2, nanoseconds: 750_000_000 }));
        assert_eq!(time(b"7.0000000019"), Some(Timestamp { seconds: 7, nanoseconds: 1 }));
    }

    proptest! {
        #[test]
        fn times_survive(seconds in -(1i64 << 40)..(1i64 << 40), nanoseconds in 0u32..1_000_000_000) {
            let original = Timestamp { seconds, nanoseconds };
            prop_assert_eq!(time(time_value(original).as_bytes()), Some(original));
        }

        #[test]
        fn records_survive(key in "[a-z.]{1,120}", value in proptest::collection::vec(any::<u8>(), 0..1200)) {
            let mut content = Vec::new();
            push_record(&mut content, key.as_bytes(), &value);
            push_record(&mut content, b"last", b"one");
            let records: Vec<_> = Records(&content).map(Result::unwrap).collect();
            prop_assert_eq!(records, vec![(key.as_bytes(), &value[..]), (&b"last"[..], &b"one"[..])]);
        }

        #[test]
        fn attribute_names_survive(name in proptest::collection::vec(1u8..=255, 1..60)) {
            let mut content = Vec::new();
            push_record(&mut content, &xattr_key(&name), b"value");
            prop_assert_eq!(&PaxHeader::parse(&content).unwrap().xattrs[0].name, &name);
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = PaxHeader::parse(&content);
        }
    }
}
