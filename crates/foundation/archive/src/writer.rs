//! A tar writer: POSIX ustar headers, with PAX records for what does not fit them.
//!
//! Who calls it: `write_tree`, `save`, `export`, the embedded image. The contract: the same entries give the same
//! bytes, whatever the machine and the time. A number too large for its octal field is written in both ways that
//! readers know, base-256 and PAX, with the same value, so that no two readers see different archives.

use crate::entry::{Device, Entry, Kind};
use crate::header::{BLOCK, Block};
use crate::pax::{push_record, time_value, xattr_key};
use std::io::{self, Read, Write};

/// Why an archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output failed.
    #[error("cannot write the archive")]
    Output {
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The content could not be read.
    #[error("cannot read the content of {path:?}")]
    Content {
        /// The entry.
        path: String,
        /// What the reader said.
        #[source]
        source: io::Error,
    },
    /// The content ended before the entry's size.
    #[error("the content of {path:?} ended after {actual} of {size} bytes")]
    Short {
        /// The entry.
        path: String,
        /// Bytes that came.
        actual: u64,
        /// Bytes that the header promised.
        size: u64,
    },
    /// The path or link target is empty or has a NUL.
    #[error("{path:?} cannot be the path or link target of an entry")]
    Path {
        /// What it is.
        path: String,
    },
    /// A file of the tree could not be read.
    #[error(transparent)]
    Fs(#[from] crate::fs_error::FsError),
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// Writes entries one after the other.
#[derive(Debug)]
pub struct TarWriter<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> TarWriter<W> {
    /// A writer at the start of an archive.
    pub fn new(out: W) -> Self {
        Self { out, buffer: Vec::new() }
    }

    /// Writes an entry and, if it is a file, `entry.size` bytes of content. The map of a sparse entry is ignored:
    /// the content is the whole file, holes included.
    ///
    /// # Errors
    /// When the content is shorter than promised or the output fails. The archive is then not usable.
    pub fn append(&mut self, entry: &Entry, content: impl Read) -> Result<(), WriteError> {
        self.header(entry)?;
        if entry.kind != Kind::File {
            return Ok(());
        }
        let copied = self.copy(content.take(entry.size), &entry.path)?;
        if copied < entry.size {
            return Err(WriteError::Short { path: shown(&entry.path), actual: copied, size: entry.size });
        }
        self.zeroes(padding(entry.size))
    }

    /// Writes an entry with this content; the size is that of the content.
    ///
    /// # Errors
    /// As [`TarWriter::append`].
    pub fn append_bytes(&mut self, entry: &Entry, content: &[u8]) -> Result<(), WriteError> {
        let size = if entry.kind == Kind::File { content.len() as u64 } else { 0 };
        self.append(&Entry { size, ..entry.clone() }, content)
    }

    /// As [`TarWriter::append`], but content that has become shorter meanwhile is filled with zeroes, since the
    /// header is out already. Returns whether that was so.
    pub(crate) fn append_changing(&mut self, entry: &Entry, content: impl Read) -> Result<bool, WriteError> {
        self.header(entry)?;
        let copied = self.copy(content.take(entry.size), &entry.path)?;
        self.zeroes(entry.size - copied)?;
        self.zeroes(padding(entry.size))?;
        Ok(copied < entry.size)
    }

    /// Ends the archive and returns the output, flushed.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.zeroes(2 * BLOCK as u64)?;
        self.out.flush().map_err(|source| WriteError::Output { source })?;
        Ok(self.out)
    }

    fn header(&mut self, entry: &Entry) -> Result<(), WriteError> {
        for text in std::iter::once(&entry.path).chain(target(&entry.kind)) {
            if text.is_empty() || text.contains(&0) {
                return Err(WriteError::Path { path: shown(text) });
            }
        }
        let (block, records) = encode(entry);
        if !records.is_empty() {
            let mut header = Entry::new(pax_name(&entry.path), Kind::File, 0o644);
            header.size = records.len() as u64;
            let (mut block, _) = encode(&header);
            block[156] = b'x';
            seal(&mut block);
            self.put(&block)?;
            self.put(&records)?;
            self.zeroes(padding(header.size))?;
        }
        self.put(&block)
    }

    fn copy(&mut self, mut content: impl Read, path: &[u8]) -> Result<u64, WriteError> {
        self.buffer.resize(256 << 10, 0);
        let mut copied = 0;
        loop {
            match content.read(&mut self.buffer) {
                Ok(0) => return Ok(copied),
                Ok(count) => {
                    copied += count as u64;
                    self.out
                        .write_all(&self.buffer[..count])
                        .map_err(|source| WriteError::Output { source })?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(WriteError::Content { path: shown(path), source }),
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(bytes).map_err(|source| WriteError::Output { source })
    }

    fn zeroes(&mut self, mut count: u64) -> Result<(), WriteError> {
        let zeroes = [0u8; 4096];
        while count > 0 {
            let now = count.min(zeroes.len() as u64);
            self.put(&zeroes[..now as usize])?;
            count -= now;
        }
        Ok(())
    }
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn target(kind: &Kind) -> Option<&Vec<u8>> {
    match kind {
        Kind::Symlink(target) | Kind::HardLink(target) => Some(target),
        _ => None,
    }
}

/// The name of a PAX header, which only readers that do not know PAX ever see.
fn pax_name(path: &[u8]) -> Vec<u8> {
    let name = path.rsplit(|byte| *byte == b'/').find(|part| !part.is_empty()).unwrap_or(b"entry");
    [b"PaxHeaders.0/", &name[..name.len().min(80)]].concat()
}

/// The header block, and the PAX records that go before it.
fn encode(entry: &Entry) -> (Block, Vec<u8>) {
    let mut block = [0; BLOCK];
    let mut records = Vec::new();
    let directory = entry.kind == Kind::Directory;
    let path = if directory && !entry.path.ends_with(b"/") {
        [&entry.path[..], b"/"].concat()
    } else {
        entry.path.clone()
    };
    put_path(&mut block, &mut records, &path);
    if let Some(target) = target(&entry.kind) {
        let fits = target.len().min(100);
        block[157..157 + fits].copy_from_slice(&target[..fits]);
        if target.len() > 100 {
            push_record(&mut records, b"linkpath", target);
        }
    }
    put_number(&mut block[100..108], (entry.mode & 0o7777).into());
    let (uid, gid) = (u64::from(entry.uid), u64::from(entry.gid));
    put_large(&mut block[108..116], &mut records, b"uid", uid);
    put_large(&mut block[116..124], &mut records, b"gid", gid);
    let size = if entry.kind == Kind::File { entry.size } else { 0 };
    put_large(&mut block[124..136], &mut records, b"size", size);
    let seconds = u64::try_from(entry.mtime.seconds).ok().filter(|seconds| *seconds < 1 << 33);
    put_number(&mut block[136..148], seconds.unwrap_or(0));
    if seconds.is_none() || entry.mtime.nanoseconds != 0 {
        push_record(&mut records, b"mtime", time_value(entry.mtime).as_bytes());
    }
    block[156] = flag(&entry.kind);
    block[257..265].copy_from_slice(b"ustar\x0000");
    if let Kind::CharDevice(Device { major, minor }) | Kind::BlockDevice(Device { major, minor }) = entry.kind
    {
        put_number(&mut block[329..337], major.into());
        put_number(&mut block[337..345], minor.into());
    }
    for xattr in &entry.xattrs {
        push_record(&mut records, &xattr_key(&xattr.name), &xattr.value);
    }
    seal(&mut block);
    (block, records)
}

fn flag(kind: &Kind) -> u8 {
    match kind {
        Kind::File => b'0',
        Kind::HardLink(_) => b'1',
        Kind::Symlink(_) => b'2',
        Kind::CharDevice(_) => b'3',
        Kind::BlockDevice(_) => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
    }
}

/// The path in the name field, in name and prefix, or in a PAX record.
fn put_path(block: &mut Block, records: &mut Vec<u8>, path: &[u8]) {
    if path.len() <= 100 {
        block[..path.len()].copy_from_slice(path);
        return;
    }
    // A slash with at most 155 bytes before it and 1 to 100 after it.
    let earliest = path.len() - 101;
    let split = (earliest..path.len() - 1).find(|at| path[*at] == b'/' && *at > 0 && *at <= 155);
    match split {
        Some(at) => {
            block[345..345 + at].copy_from_slice(&path[..at]);
            block[..path.len() - at - 1].copy_from_slice(&path[at + 1..]);
        }
        None => {
            block[..100].copy_from_slice(&path[..100]);
            push_record(records, b"path", path);
        }
    }
}

/// Octal with a final NUL, or base-256 and a PAX record when it does not fit.
fn put_large(field: &mut [u8], records: &mut Vec<u8>, key: &[u8], value: u64) {
    let digits = field.len() - 1;
    if value >> (3 * digits) == 0 {
        return put_number(field, value);
    }
    let start = field.len() - 8.min(field.len());
    field[start..].copy_from_slice(&value.to_be_bytes());
    field[0] |= 0x80;
    push_record(records, key, value.to_string().as_bytes());
}

fn put_number(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let text = format!("{value:0digits$o}");
    field[..digits].copy_from_slice(&text.as_bytes()[text.len() - digits..]);
}

/// Puts the check sum in: six digits, NUL, space.
fn seal(block: &mut Block) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Timestamp, Xattr};
    use crate::limits::Limits;
    use crate::reader::TarReader;
    use proptest::prelude::*;

    fn paths() -> impl Strategy<Value = Vec<u8>> {
        let component = prop_oneof![
            proptest::collection::vec((1u8..=255).prop_filter("slash", |b| *b != b'/'), 1..40),
            "[a-z]{1,160}".prop_map(String::into_bytes),
        ];
        proptest::collection::vec(component, 1..6).prop_map(|parts| parts.join(&b'/'))
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        let device = (0u32..4096, 0u32..1 << 20).prop_map(|(major, minor)| Device { major, minor });
        prop_oneof![
            4 => Just(Kind::File),
            2 => Just(Kind::Directory),
            1 => paths().prop_map(Kind::Symlink),
            1 => paths().prop_map(Kind::HardLink),
            1 => device.clone().prop_map(Kind::CharDevice),
            1 => device.prop_map(Kind::BlockDevice),
            1 => Just(Kind::Fifo),
        ]
    }

    prop_compose! {
        fn entries()(
            path in paths(), kind in kinds(), mode in 0u32..0o10000, uid in 0u32..u32::MAX, gid in 0u32..u32::MAX,
            seconds in -(1i64 << 36)..(1i64 << 36), nanoseconds in 0u32..1_000_000_000, whole in any::<bool>(),
            content in proptest::collection::vec(any::<u8>(), 0..2000),
            names in proptest::collection::btree_set("[a-z]{1,4}\\.[a-z=%]{1,20}", 0..3),
            value in proptest::collection::vec(any::<u8>(), 0..300),
        ) -> (Entry, Vec<u8>) {
            let xattrs = names.into_iter().map(|name| Xattr { name: name.into_bytes(), value: value.clone() }).collect();
            let mtime = Timestamp { seconds, nanoseconds: if whole { 0 } else { nanoseconds } };
            let content = if kind == Kind::File { content } else { Vec::new() };
            let path = if kind == Kind::Directory { [&path[..], b"/"].concat() } else { path };
            (Entry { path, kind, mode, uid, gid, mtime, size: content.len() as u64, extents: None, xattrs }, content)
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(entries in proptest::collection::vec(entries(), 0..12)) {
            let mut writer = TarWriter::new(Vec::new());
            for (entry, content) in &entries {
                writer.append_bytes(entry, content).unwrap();
            }
            let bytes = writer.finish().unwrap();
            let mut reader = TarReader::new(&bytes[..], Limits::default());
            for (entry, content) in &entries {
                prop_assert_eq!(&reader.next_entry().unwrap().unwrap(), entry);
                let mut read = Vec::new();
                reader.content().read_to_end(&mut read).unwrap();
                prop_assert_eq!(&read, content);
            }
            prop_assert!(reader.next_entry().unwrap().is_none());
            prop_assert_eq!(reader.position(), bytes.len() as u64);
        }
    }

    #[test]
    fn a_size_over_eight_gigabytes_is_said_twice_and_alike() {
        let mut entry = Entry::new("big", Kind::File, 0o644);
        entry.size = 9 << 30;
        let (block, records) = encode(&entry);
        assert_eq!(crate::header::number(&block[124..136]), Some(9 << 30));
        assert_eq!(records, b"19 size=9663676416\n");
    }

    #[test]
    fn short_content_is_an_error() {
        let mut entry = Entry::new("f", Kind::File, 0o644);
        entry.size = 10;
        let error = TarWriter::new(Vec::new()).append(&entry, &b"12345"[..]).unwrap_err();
        assert!(matches!(error, WriteError::Short { actual: 5, size: 10, .. }));
    }
}
