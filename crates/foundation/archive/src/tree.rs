//! Writes a directory tree as an archive, the same bytes for the same tree.
//!
//! Who calls it: `commit` (the upper directory of an overlay becomes a layer), `export`, `cp` out of a container.
//! Entries are sorted by name, bytewise, parents before children; the first name of a file with several is the file,
//! the others are hard links. Sockets are left out. A tree that changes meanwhile is read as it is found, never
//! through a link: a file that shrinks is filled with zeroes and counted.

use crate::apply::{MapIds, Whiteouts};
use crate::copy::DEPTH_MAX;
use crate::entry::{Device, Entry, Kind, Timestamp, Xattr};
use crate::fs_error::{FsError, failed};
use crate::node::{FileId, Node};
use crate::writer::{TarWriter, WriteError};
use rustix::fs::{Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How a tree is to be written.
#[derive(Clone, Copy)]
pub struct TreeOptions<'a> {
    /// With [`Whiteouts::Overlay`] the marks of overlayfs become `.wh.` names; with the others devices 0:0 are left
    /// out, since nothing but an overlay understands them.
    pub whiteouts: Whiteouts,
    /// Maps the ids on disk to those in the archive; `None` leaves them.
    pub map_ids: Option<MapIds<'a>>,
    /// The latest modification time that is written; later ones become this one (reproducible builds).
    pub latest: Option<Timestamp>,
    /// Which paths, relative to the directory, go in; a directory that does not takes all in it along.
    pub filter: Option<&'a dyn Fn(&Path) -> bool>,
    /// Whether the directory itself is the first entry, as `./`.
    pub root_entry: bool,
    /// Put before each path, such as `name/`; empty for none.
    pub prefix: &'a [u8],
}

impl Default for TreeOptions<'_> {
    fn default() -> Self {
        Self {
            whiteouts: Whiteouts::Literal,
            map_ids: None,
            latest: None,
            filter: None,
            root_entry: false,
            prefix: b"",
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Entries.
    pub entries: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// Files that shrank while they were read.
    pub changed: u64,
}

/// Writes what is in the directory as an archive, up to its end mark, and flushes the output.
///
/// # Errors
/// When the output fails or something cannot be read; `LOOP` below 256 levels; `OVERFLOW` for an id without a place
/// in the map.
pub fn write_tree(
    dir: BorrowedFd<'_>,
    out: impl Write,
    options: &TreeOptions<'_>,
) -> Result<Written, WriteError> {
    let mut writer = TarWriter::new(out);
    let written = append_tree(&mut writer, dir, options)?;
    writer.finish()?;
    Ok(written)
}

/// As [`write_tree`], into an archive that goes on.
///
/// # Errors
/// As [`write_tree`].
pub fn append_tree<W: Write>(
    writer: &mut TarWriter<W>,
    dir: BorrowedFd<'_>,
    options: &TreeOptions<'_>,
) -> Result<Written, WriteError> {
    let top = Path::new("");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(dir, ".", flags, Mode::empty()).map_err(failed("open", top))?;
    let node = Node::from_fd(root).map_err(failed("look at", top))?;
    let mut walk = Walk {
        writer,
        options,
        path: Vec::new(),
        depth: 0,
        links: HashMap::new(),
        written: Written::default(),
    };
    if options.root_entry {
        walk.put(&node, Kind::Directory, None)?;
    }
    walk.opaque(&node)?;
    walk.directory(&node)?;
    Ok(walk.written)
}

/// Writes one object of any kind, held by an `O_PATH` descriptor, as `name`: a directory with everything in it. Of the
/// options the prefix and the entry of the root have no meaning here.
///
/// # Errors
/// As [`write_tree`].
pub fn append_object<W: Write>(
    writer: &mut TarWriter<W>,
    object: OwnedFd,
    name: &[u8],
    options: &TreeOptions<'_>,
) -> Result<Written, WriteError> {
    let node = Node::from_fd(object).map_err(failed("look at", Path::new(OsStr::from_bytes(name))))?;
    let path = name.to_vec();
    let mut walk =
        Walk { writer, options, path, depth: 0, links: HashMap::new(), written: Written::default() };
    walk.object(&node, OsStr::from_bytes(name))?;
    Ok(walk.written)
}

struct Walk<'a, W> {
    writer: &'a mut TarWriter<W>,
    options: &'a TreeOptions<'a>,
    path: Vec<u8>,
    depth: usize,
    links: HashMap<FileId, Vec<u8>>,
    written: Written,
}

impl<W: Write> Walk<'_, W> {
    fn directory(&mut self, node: &Node) -> Result<(), WriteError> {
        if self.depth >= DEPTH_MAX {
            return Err(self.failed("read")(Errno::LOOP).into());
        }
        let directory = node.open_directory().map_err(self.failed("open"))?;
        for name in self.names(&directory)? {
            let length = self.path.len();
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(&name);
            if self.options.filter.is_none_or(|filter| filter(self.here())) {
                self.one(&directory, OsStr::from_bytes(&name))?;
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn names(&self, directory: &OwnedFd) -> Result<Vec<Vec<u8>>, FsError> {
        let mut names = Vec::new();
        for entry in Dir::read_from(directory).map_err(self.failed("list"))? {
            let name = entry.map_err(self.failed("list"))?.file_name().to_bytes().to_vec();
            if !matches!(&name[..], b"." | b"..") {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn one(&mut self, directory: &OwnedFd, name: &OsStr) -> Result<(), WriteError> {
        let node = match Node::open(directory.as_fd(), name) {
            // Removed since it was listed.
            Err(Errno::NOENT) => return Ok(()),
            node => node.map_err(self.failed("open"))?,
        };
        self.object(&node, name)
    }

    fn object(&mut self, node: &Node, name: &OsStr) -> Result<(), WriteError> {
        if node.is_whiteout() {
            return self.whiteout(name);
        }
        if node.kind() != FileType::Directory && node.stat.st_nlink > 1 {
            if let Some(first) = self.links.get(&node.id()) {
                let kind = Kind::HardLink([self.options.prefix, first].concat());
                return self.put(node, kind, None);
            }
            self.links.insert(node.id(), self.path.clone());
        }
        let device = || Device {
            major: rustix::fs::major(node.stat.st_rdev),
            minor: rustix::fs::minor(node.stat.st_rdev),
        };
        match node.kind() {
            FileType::RegularFile => {
                let file = node.open_file().map_err(self.failed("open"))?;
                self.put(node, Kind::File, Some(file))
            }
            FileType::Symlink => {
                let target = node.link_target().map_err(self.failed("read the link"))?;
                self.put(node, Kind::Symlink(target), None)
            }
            FileType::CharacterDevice => self.put(node, Kind::CharDevice(device()), None),
            FileType::BlockDevice => self.put(node, Kind::BlockDevice(device()), None),
            FileType::Fifo => self.put(node, Kind::Fifo, None),
            FileType::Directory => {
                self.put(node, Kind::Directory, None)?;
                self.opaque(node)?;
                self.depth += 1;
                self.directory(node)?;
                self.depth -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes one entry with the attributes of `node`.
    fn put(&mut self, node: &Node, kind: Kind, content: Option<OwnedFd>) -> Result<(), WriteError> {
        let (uid, gid) = (node.stat.st_uid, node.stat.st_gid);
        let mapped = self.options.map_ids.map_or(Some((uid, gid)), |map| map(uid, gid));
        let (uid, gid) = mapped.ok_or_else(|| self.failed("map the owner of")(Errno::OVERFLOW))?;
        let xattrs = match kind {
            Kind::HardLink(_) => Vec::new(),
            _ => node.xattrs().map_err(self.failed("read the attributes of"))?,
        };
        let mtime = self.options.latest.map_or(node.mtime(), |latest| node.mtime().min(latest));
        let size = if kind == Kind::File { node.stat.st_size.cast_unsigned() } else { 0 };
        let path = [self.options.prefix, &self.path].concat();
        let path = if path.is_empty() { b"./".to_vec() } else { path };
        let xattrs = xattrs.into_iter().filter(|xattr| travels(&xattr.name)).collect::<Vec<Xattr>>();
        let entry = Entry { path, kind, mode: node.mode(), uid, gid, mtime, size, extents: None, xattrs };
        match content {
            Some(file) => {
                let changed = self.writer.append_changing(&entry, File::from(file))?;
                self.written.changed += u64::from(changed);
            }
            None => self.writer.append_bytes(&entry, b"")?,
        }
        self.written.entries += 1;
        self.written.bytes += entry.size;
        Ok(())
    }

    fn overlay(&self) -> bool {
        matches!(self.options.whiteouts, Whiteouts::Overlay { .. })
    }

    fn whiteout(&mut self, name: &OsStr) -> Result<(), WriteError> {
        if !self.overlay() {
            return Ok(());
        }
        let parent = self.path.len() - name.len();
        self.mark(&[&self.path[..parent], b".wh.", name.as_bytes()].concat())
    }

    /// The mark of a directory that hides what is below it.
    fn opaque(&mut self, node: &Node) -> Result<(), WriteError> {
        if !self.overlay() || !node.is_opaque().map_err(self.failed("read the attributes of"))? {
            return Ok(());
        }
        let slash: &[u8] = if self.path.is_empty() { b"" } else { b"/" };
        self.mark(&[&self.path[..], slash, b".wh..wh..opq"].concat())
    }

    fn mark(&mut self, path: &[u8]) -> Result<(), WriteError> {
        self.written.entries += 1;
        self.writer.append_bytes(&Entry::new([self.options.prefix, path].concat(), Kind::File, 0), b"")
    }

    fn here(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    fn failed(&self, action: &'static str) -> impl Fn(Errno) -> FsError + use<'_, W> {
        failed(action, self.here())
    }
}

/// Whether an attribute belongs to the file and not to the host: labels of security modules do not travel.
fn travels(name: &[u8]) -> bool {
    name == b"security.capability" || !name.starts_with(b"security.")
}
