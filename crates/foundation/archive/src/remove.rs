//! Removal of whole trees by descriptor, whatever their depth.

use crate::node::{FileId, Node, id_of};
use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// How many directories are open at once, where deeper ones can be moved.
const OPEN_MAX: usize = 64;
/// How often the top is gone through again because something appeared in it meanwhile.
const ROUNDS_MAX: u32 = 64;
/// How deep [`purge`] goes, with one descriptor and one stack frame for each level.
const PURGE_DEPTH_MAX: u32 = 512;

/// Removes what `name` is in `parent`: a file, a link (not what it points to), or a directory with everything in it.
/// Nothing there is no error.
///
/// Directories deeper than 64 are first moved up, so that neither descriptors nor stack limit the depth.
///
/// # Errors
/// Whatever unlinkat(2), openat(2) or renameat2(2) report; `NOTEMPTY` when somebody keeps adding files.
pub fn remove_tree(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(other) => return Err(other),
    }
    let top = enter(parent, name)?;
    let (mut moved, mut idle) = (0u64, 0);
    loop {
        let before = moved;
        empty(&top, &mut moved)?;
        match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
            // What was moved up is there, or somebody adds files while we remove.
            Err(Errno::NOTEMPTY) if moved != before => {}
            Err(Errno::NOTEMPTY) if idle < ROUNDS_MAX => idle += 1,
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
}

fn enter(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// A directory being emptied.
struct Level {
    entries: Dir,
    name: CString,
}

impl Level {
    fn open(parent: BorrowedFd<'_>, name: CString) -> rustix::io::Result<Self> {
        let entries = Dir::new(enter(parent, OsStr::from_bytes(name.to_bytes()))?)?;
        Ok(Self { entries, name })
    }
}

/// Goes once through everything below `top`; what is too deep is moved into `top` and counted.
fn empty(top: &OwnedFd, moved: &mut u64) -> rustix::io::Result<()> {
    let mut levels = vec![Level::open(top.as_fd(), c".".to_owned())?];
    while let Some(level) = levels.last_mut() {
        let Some(entry) = level.entries.read() else {
            let done = levels.pop();
            if let (Some(done), Some(above)) = (done, levels.last()) {
                remove_emptied(above.entries.fd()?, &done.name)?;
            }
            continue;
        };
        let entry = entry?;
        let here = level.entries.fd()?;
        if matches!(entry.file_name().to_bytes(), b"." | b"..") || !is_directory(here, &entry)? {
            continue;
        }
        let deep = levels.len() >= OPEN_MAX;
        if deep && move_up(levels[levels.len() - 1].entries.fd()?, &entry, top.as_fd(), moved)? {
            continue;
        }
        match Level::open(levels[levels.len() - 1].entries.fd()?, entry.file_name().to_owned()) {
            Ok(below) => levels.push(below),
            Err(Errno::NOENT) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// Removes an entry unless it is a directory.
fn is_directory(parent: BorrowedFd<'_>, entry: &DirEntry) -> rustix::io::Result<bool> {
    if entry.file_type() == FileType::Directory {
        return Ok(true);
    }
    match rustix::fs::unlinkat(parent, entry.file_name(), AtFlags::empty()) {
        Err(Errno::ISDIR) => Ok(true),
        Ok(()) | Err(Errno::NOENT) => Ok(false),
        Err(other) => Err(other),
    }
}

/// One that is not empty after all is found again in the next round.
fn remove_emptied(parent: BorrowedFd<'_>, name: &CString) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(parent, name.as_c_str(), AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY) => Ok(()),
        Err(other) => Err(other),
    }
}

/// `false` when it cannot be moved: overlayfs does not rename directories of its lower layers.
fn move_up(
    from: BorrowedFd<'_>,
    entry: &DirEntry,
    top: BorrowedFd<'_>,
    moved: &mut u64,
) -> rustix::io::Result<bool> {
    loop {
        let new = format!(".moved-{moved}");
        *moved += 1;
        match rustix::fs::renameat_with(from, entry.file_name(), top, new.as_str(), RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            Err(Errno::XDEV) => {
                *moved -= 1;
                return Ok(false);
            }
            Ok(()) | Err(Errno::NOENT) => return Ok(true),
            Err(other) => return Err(other),
        }
    }
}

/// What [`purge`] leaves alone.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    objects: HashSet<FileId>,
    /// Names by their directories, whatever they are: of a link to a file that is not kept, only this name is.
    names: HashSet<(FileId, OsString)>,
}

impl Kept {
    /// Keeps an object under all its names.
    pub(crate) fn object(&mut self, id: FileId) {
        self.objects.insert(id);
    }

    /// Keeps a name of `target` in a directory; its other names too, if it is kept itself.
    pub(crate) fn name(&mut self, directory: FileId, name: &OsStr, target: FileId) {
        if !self.objects.contains(&target) {
            self.names.insert((directory, name.to_owned()));
        }
    }

    fn has(&self, parent: BorrowedFd<'_>, name: &OsStr, node: &Node) -> rustix::io::Result<bool> {
        if self.objects.contains(&node.id()) {
            return Ok(true);
        }
        if self.names.is_empty() || node.kind() == FileType::Directory {
            return Ok(false);
        }
        let directory = id_of(&rustix::fs::fstat(parent)?);
        Ok(self.names.contains(&(directory, name.to_owned())))
    }
}

/// Removes what `name` is in `parent` except what is in `keep` and the directories on the way to it.
///
/// # Errors
/// As [`remove_tree`]; `LOOP` below a depth of 512.
pub(crate) fn purge(parent: BorrowedFd<'_>, name: &OsStr, keep: &Kept) -> rustix::io::Result<()> {
    purge_at(parent, name, keep, 0)
}

fn purge_at(parent: BorrowedFd<'_>, name: &OsStr, keep: &Kept, depth: u32) -> rustix::io::Result<()> {
    let node = match Node::open(parent, name) {
        Err(Errno::NOENT) => return Ok(()),
        node => node?,
    };
    let kept = keep.has(parent, name, &node)?;
    if node.kind() != FileType::Directory {
        return if kept { Ok(()) } else { rustix::fs::unlinkat(parent, name, AtFlags::empty()) };
    }
    let directory = node.open_directory()?;
    drop(node);
    purge_children(directory, keep, depth)?;
    if kept {
        return Ok(());
    }
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        // Something in it is kept.
        Ok(()) | Err(Errno::NOTEMPTY) => Ok(()),
        Err(other) => Err(other),
    }
}

/// [`purge`] for everything in a directory that is `depth` levels down.
pub(crate) fn purge_children(directory: OwnedFd, keep: &Kept, depth: u32) -> rustix::io::Result<()> {
    if depth >= PURGE_DEPTH_MAX {
        return Err(Errno::LOOP);
    }
    let mut entries = Dir::new(directory)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            purge_at(entries.fd()?, OsStr::from_bytes(name), keep, depth + 1)?;
        }
    }
    Ok(())
}
