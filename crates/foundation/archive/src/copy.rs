//! Copies a tree with everything it has.
//!
//! Who calls it: volumes that start with an image's content, snapshots on file systems without overlayfs. The
//! contract: modes, owners, times, extended attributes, links, hard links among the copied, devices, pipes and holes
//! are preserved; data is shared where the file system can (FICLONE, copy_file_range(2)). Sockets are left out:
//! nobody listens at a copy. Both sides go by descriptor and never through a link.

use crate::apply::SkippedXattr;
use crate::attributes::{Attributes, Skipped};
use crate::fs_error::{FsError, failed};
use crate::node::{FileId, Node};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How deep a tree may be, with three descriptors and one stack frame for each level.
pub(crate) const DEPTH_MAX: usize = 256;
/// How much is copied by one call.
const CHUNK: usize = 128 << 20;

/// How a tree is to be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CopyOptions {
    /// Copy overlayfs's own attributes too, for directories that are layers.
    pub overlay_xattrs: bool,
    /// Whether to end with one syncfs(2).
    pub sync: bool,
}

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Objects, hard links counted each.
    pub entries: u64,
    /// Bytes of files as stat(2) shows them, hard links counted once.
    pub bytes: u64,
    /// Attributes that could not be set; the first 32.
    pub skipped_xattrs: Vec<SkippedXattr>,
}

/// Copies what is in the directory `from` into the directory `to`, which also gets the attributes of `from`.
///
/// A directory that `to` has already is filled and takes the attributes of its source; anything else that is there
/// already is an error.
///
/// # Errors
/// What failed, and where: `EXIST` when something is in the way, `LOOP` below 256 levels.
pub fn copy_tree(from: BorrowedFd<'_>, to: BorrowedFd<'_>, options: CopyOptions) -> Result<Copied, FsError> {
    let top = Path::new("");
    let open =
        |directory| rustix::fs::openat(directory, ".", DIRECTORY, Mode::empty()).map_err(failed("open", top));
    let (source, target) = (open(from)?, open(to)?);
    let root = open(to)?;
    let mut copier = Copier {
        options,
        root,
        path: PathBuf::new(),
        depth: 0,
        links: HashMap::new(),
        copied: Copied::default(),
    };
    let node = Node::from_fd(source).map_err(failed("look at", top))?;
    copier.fill(&node, &target)?;
    if options.sync {
        rustix::fs::syncfs(&target).map_err(failed("sync", top))?;
    }
    Ok(copier.copied)
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

struct Copier {
    options: CopyOptions,
    root: OwnedFd,
    /// Where we are, relative to both roots.
    path: PathBuf,
    depth: usize,
    /// Where the first name of a file with several went.
    links: HashMap<FileId, PathBuf>,
    copied: Copied,
}

impl Copier {
    /// Copies everything in one directory, then its attributes.
    fn fill(&mut self, source: &Node, target: &OwnedFd) -> Result<(), FsError> {
        if self.depth >= DEPTH_MAX {
            return Err(failed("copy", &self.path)(Errno::LOOP));
        }
        let mut entries = source.open_directory().and_then(Dir::new).map_err(failed("list", &self.path))?;
        while let Some(entry) = entries.read() {
            let entry = entry.map_err(failed("list", &self.path))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if matches!(name.as_bytes(), b"." | b"..") {
                continue;
            }
            self.path.push(name);
            let parent = entries.fd().map_err(failed("list", &self.path))?;
            self.one(parent, name, target)?;
            self.path.pop();
        }
        let xattrs = self.xattrs(source)?;
        let attributes = attributes_of(source, &xattrs);
        let set = || {
            let skipped = attributes.set_on_open(target.as_fd())?;
            attributes.set_time(target.as_fd())?;
            Ok(skipped)
        };
        let skipped = set().map_err(failed("set the attributes of", &self.path))?;
        self.note(skipped);
        Ok(())
    }

    fn one(&mut self, parent: BorrowedFd<'_>, name: &OsStr, target: &OwnedFd) -> Result<(), FsError> {
        let node = match Node::open(parent, name) {
            // Removed since it was listed.
            Err(Errno::NOENT) => return Ok(()),
            node => node.map_err(failed("open", &self.path))?,
        };
        match node.kind() {
            FileType::Socket => return Ok(()),
            FileType::Directory => {
                match rustix::fs::mkdirat(target, name, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(other) => return Err(failed("make the directory", &self.path)(other)),
                }
                let below = rustix::fs::openat(target, name, DIRECTORY, Mode::empty())
                    .map_err(failed("open", &self.path))?;
                self.depth += 1;
                self.fill(&node, &below)?;
                self.depth -= 1;
            }
            _ if node.stat.st_nlink > 1 => {
                if let Some(first) = self.links.get(&node.id()) {
                    self.link(first, target, name)?;
                } else {
                    self.links.insert(node.id(), self.path.clone());
                    self.leaf(&node, target, name)?;
                }
            }
            _ => self.leaf(&node, target, name)?,
        }
        self.copied.entries += 1;
        Ok(())
    }

    fn leaf(&mut self, node: &Node, target: &OwnedFd, name: &OsStr) -> Result<(), FsError> {
        if node.kind() == FileType::RegularFile {
            self.copied.bytes += node.stat.st_size.cast_unsigned();
        }
        let xattrs = self.xattrs(node)?;
        let skipped = copy_leaf(node, &xattrs, target.as_fd(), name).map_err(failed("copy", &self.path))?;
        self.note(skipped);
        Ok(())
    }

    fn link(&self, first: &Path, target: &OwnedFd, name: &OsStr) -> Result<(), FsError> {
        let link = || {
            let parent =
                first.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            let parent =
                kernel::path::open_beneath_no_symlinks(self.root.as_fd(), parent, flags, Mode::empty())?;
            let first = first.file_name().ok_or(Errno::INVAL)?;
            rustix::fs::linkat(parent, first, target, name, AtFlags::empty())
        };
        link().map_err(failed("link", &self.path))
    }

    fn xattrs(&self, node: &Node) -> Result<Vec<crate::entry::Xattr>, FsError> {
        let read = if self.options.overlay_xattrs { node.all_xattrs() } else { node.xattrs() };
        read.map_err(failed("read the attributes of", &self.path))
    }

    fn note(&mut self, skipped: Vec<Skipped>) {
        let room = 32 - self.copied.skipped_xattrs.len().min(32);
        self.copied.skipped_xattrs.extend(skipped.into_iter().take(room).map(|one| SkippedXattr {
            path: self.path.clone(),
            name: String::from_utf8_lossy(&one.name).into_owned(),
            errno: one.errno,
        }));
    }
}

fn attributes_of<'a>(node: &Node, xattrs: &'a [crate::entry::Xattr]) -> Attributes<'a> {
    let owner = Some((node.stat.st_uid, node.stat.st_gid));
    Attributes { owner, mode: node.mode(), mtime: node.mtime(), xattrs }
}

/// Copies anything but a directory, without overlayfs's attributes.
pub(crate) fn copy_special_or_file(
    node: &Node,
    target: BorrowedFd<'_>,
    name: &OsStr,
) -> rustix::io::Result<Vec<Skipped>> {
    copy_leaf(node, &node.xattrs()?, target, name)
}

fn copy_leaf(
    node: &Node,
    xattrs: &[crate::entry::Xattr],
    target: BorrowedFd<'_>,
    name: &OsStr,
) -> rustix::io::Result<Vec<Skipped>> {
    let attributes = attributes_of(node, xattrs);
    let private = Mode::RUSR | Mode::WUSR;
    match node.kind() {
        FileType::RegularFile => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(target, name, flags, private)?;
            copy_data(&node.open_file()?, &file)?;
            let skipped = attributes.set_on_open(file.as_fd())?;
            attributes.set_time(file.as_fd())?;
            return Ok(skipped);
        }
        FileType::Symlink => rustix::fs::symlinkat(OsStr::from_bytes(&node.link_target()?), target, name)?,
        kind => rustix::fs::mknodat(target, name, kind, private, node.stat.st_rdev)?,
    }
    let made = Node::open(target, name)?;
    attributes.set_on_held(made.fd(), made.kind() == FileType::Symlink)
}

/// Copies the data of a file, sharing it if possible, and keeps holes.
fn copy_data(source: &OwnedFd, target: &OwnedFd) -> rustix::io::Result<()> {
    let size = rustix::fs::fstat(source)?.st_size.cast_unsigned();
    if size == 0 || rustix::fs::ioctl_ficlone(target, source).is_ok() {
        return Ok(());
    }
    let mut position = 0;
    while position < size {
        let start = match rustix::fs::seek(source, SeekFrom::Data(position)) {
            // No data from here to the end.
            Err(Errno::NXIO) => break,
            start => start?,
        };
        let end = rustix::fs::seek(source, SeekFrom::Hole(start))?;
        copy_range(source, target, start, end)?;
        position = end;
    }
    rustix::fs::ftruncate(target, size)
}

fn copy_range(source: &OwnedFd, target: &OwnedFd, start: u64, end: u64) -> rustix::io::Result<()> {
    let (mut from, mut to) = (start, start);
    while from < end {
        let wanted = usize::try_from(end - from).unwrap_or(CHUNK).min(CHUNK);
        match rustix::fs::copy_file_range(source, Some(&mut from), target, Some(&mut to), wanted) {
            // The file became shorter.
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => {
                return copy_through(source, target, from, end);
            }
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// By way of memory, where the kernel cannot copy by itself.
fn copy_through(source: &OwnedFd, target: &OwnedFd, mut position: u64, end: u64) -> rustix::io::Result<()> {
    let mut buffer = vec![0u8; 256 << 10];
    while position < end {
        let wanted = buffer.len().min(usize::try_from(end - position).unwrap_or(usize::MAX));
        let count = match rustix::io::pread(source, &mut buffer[..wanted], position) {
            Ok(0) => return Ok(()),
            Err(Errno::INTR) => continue,
            count => count?,
        };
        let mut written = 0;
        while written < count {
            match rustix::io::pwrite(target, &buffer[written..count], position + written as u64) {
                Err(Errno::INTR) => {}
                more => written += more?,
            }
        }
        position += count as u64;
    }
    Ok(())
}
