//! Joins a header with the extension headers before it, and refuses what readers would join differently.

use crate::entry::{Entry, Kind, Timestamp, Xattr};
use crate::header::Header;
use crate::pax::{self, PaxHeader};
use crate::read_error::Problem;

/// What came before the header of the entry itself.
#[derive(Default)]
pub(crate) struct Extensions {
    pub(crate) pax: Option<PaxHeader>,
    pub(crate) long_path: Option<Vec<u8>>,
    pub(crate) long_link: Option<Vec<u8>>,
    /// Content of these headers, for the limit.
    pub(crate) bytes: u64,
}

impl Extensions {
    pub(crate) fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_path.is_none() && self.long_link.is_none()
    }
}

/// The content of an `L` or `K` header: a name and one NUL.
pub(crate) fn long_name(content: &[u8], field: &'static str) -> Result<Vec<u8>, Problem> {
    pax::path(content.strip_suffix(b"\0").unwrap_or(content), field)
}

/// The last attribute of each name, in the order of their first appearance.
pub(crate) fn last_of_each(xattrs: Vec<Xattr>) -> Vec<Xattr> {
    let mut kept: Vec<Xattr> = Vec::with_capacity(xattrs.len());
    for xattr in xattrs {
        match kept.iter_mut().find(|other| other.name == xattr.name) {
            Some(other) => other.value = xattr.value,
            None => kept.push(xattr),
        }
    }
    kept
}

/// Joins a header and its extensions; also returns the bytes that the archive stores for the entry.
pub(crate) fn assemble(
    header: &Header<'_>,
    extensions: Extensions,
) -> Result<(Entry, PaxHeader, u64), Problem> {
    let mut pax = extensions.pax.unwrap_or_default();
    let sparse_name = pax.sparse.name.take();
    // PAX wins for GNU tar, the GNU name wins for Go.
    if extensions.long_path.is_some() && (pax.path.is_some() || sparse_name.is_some()) {
        return Err(Problem::Duplicate { what: "paths" });
    }
    if extensions.long_link.is_some() && pax.link.is_some() {
        return Err(Problem::Duplicate { what: "link targets" });
    }
    let path = sparse_name.or(pax.path.take()).or(extensions.long_path).unwrap_or_else(|| header.path());
    let path = pax::path(&path, "path")?;
    let link = pax.link.take().or(extensions.long_link).unwrap_or_else(|| header.link());
    let stored = match pax.size {
        Some(size) => size,
        None => header.size()?,
    };
    let kind = kind(header, &path, link, stored)?;
    let seconds = header.mtime()?;
    let entry = Entry {
        path,
        mode: header.mode()?,
        uid: pax.uid.map_or_else(|| header.uid(), Ok)?,
        gid: pax.gid.map_or_else(|| header.gid(), Ok)?,
        mtime: pax.mtime.unwrap_or(Timestamp { seconds, nanoseconds: 0 }),
        size: stored,
        extents: None,
        xattrs: Vec::new(),
        kind,
    };
    Ok((entry, pax, stored))
}

fn kind(header: &Header<'_>, path: &[u8], link: Vec<u8>, stored: u64) -> Result<Kind, Problem> {
    let link = move || pax::path(&link, "link target");
    let slash = path.ends_with(b"/");
    let (kind, name) = match header.flag() {
        // Before POSIX a directory was a file whose name ends in a slash.
        0 if slash => (Kind::Directory, "directory"),
        0 | b'0' | b'7' | b'S' if slash => return Err(Problem::FileWithSlash),
        0 | b'0' | b'7' | b'S' => return Ok(Kind::File),
        b'1' => (Kind::HardLink(link()?), "hard link"),
        b'2' => (Kind::Symlink(link()?), "symbolic link"),
        b'3' => (Kind::CharDevice(header.device()?), "character device"),
        b'4' => (Kind::BlockDevice(header.device()?), "block device"),
        b'5' => (Kind::Directory, "directory"),
        b'6' => (Kind::Fifo, "named pipe"),
        flag => return Err(Problem::UnknownType { flag: char::from(flag) }),
    };
    if stored > 0 { Err(Problem::UnexpectedContent { kind: name, size: stored }) } else { Ok(kind) }
}
