//! Files, directories, links and devices.

use super::place::Place;
use super::{Applier, ApplyError, PendingDirectory, Refusal};
use crate::attributes::Attributes;
use crate::entry::{Device, Entry, Extent, Kind, Xattr};
use crate::fs_error::{FsError, failed};
use crate::guard;
use crate::node::{Node, id_of, is_whiteout};
use crate::reader::TarReader;
use rustix::fs::{AtFlags, FileType, Mode, XattrFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

impl Applier<'_> {
    pub(super) fn file<R: Read>(
        &mut self,
        entry: &Entry,
        place: &Place<'_>,
        tar: &mut TarReader<R>,
    ) -> Result<(), ApplyError> {
        let xattrs = kept(&entry.xattrs);
        let attributes = self.attributes(entry, &xattrs)?;
        let file = self.make(place, "create", || guard::create_file(place.parent.as_fd(), place.name))?;
        self.applied.bytes += copy_content(entry, &file, place.path, tar)?;
        let skipped =
            attributes.set_on_open(file.as_fd()).map_err(failed("set the attributes of", place.path))?;
        self.note_skipped(place.path, skipped);
        attributes.set_time(file.as_fd()).map_err(failed("set the time of", place.path))?;
        self.note_made_at(&file, place.path)
    }

    /// Keeps a directory that is there; one that a whiteout hid before becomes opaque.
    pub(super) fn directory(&mut self, entry: &Entry, place: &Place<'_>) -> Result<(), ApplyError> {
        let mut hidden = false;
        match rustix::fs::mkdirat(&place.parent, place.name, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let existing = place.stat()?;
                let kind = existing.map(|stat| FileType::from_raw_mode(stat.st_mode));
                if kind != Some(FileType::Directory) {
                    if self.options.keep_kinds {
                        return Err(super::refused(&entry.path, Refusal::OverNonDirectory));
                    }
                    hidden =
                        self.overlay_opaque().is_some() && existing.is_some_and(|stat| is_whiteout(&stat));
                    self.clear(place)?;
                    self.make(place, "make the directory", || {
                        rustix::fs::mkdirat(&place.parent, place.name, Mode::RWXU)
                    })?;
                }
            }
            Err(other) => return Err(failed("make the directory", place.path)(other).into()),
        }
        let directory = guard::enter(place.parent.as_fd(), place.name).map_err(failed("open", place.path))?;
        if hidden {
            self.mark_opaque(&directory, place.path)?;
        }
        let directory = Rc::new(directory);
        self.finish_directory(entry, &directory, place.path)?;
        // What follows most often stands in it.
        self.last_parent = Some((place.path.to_owned(), directory));
        Ok(())
    }

    /// Sets what can be set now and notes the rest for the end.
    pub(super) fn finish_directory(
        &mut self,
        entry: &Entry,
        directory: &OwnedFd,
        path: &Path,
    ) -> Result<(), ApplyError> {
        let xattrs = kept(&entry.xattrs);
        // Until the end its owner must be able to make files in it.
        let mode = entry.mode | 0o700;
        let attributes = Attributes { mode, ..self.attributes(entry, &xattrs)? };
        let skipped =
            attributes.set_on_open(directory.as_fd()).map_err(failed("set the attributes of", path))?;
        self.note_skipped(path, skipped);
        let id = id_of(&rustix::fs::fstat(directory).map_err(failed("look at", path))?);
        self.implied.remove(&id);
        self.note_made(id);
        let pending = PendingDirectory { path: path.to_owned(), mode: entry.mode, mtime: entry.mtime };
        self.pending.insert(id, pending);
        Ok(())
    }

    pub(super) fn mark_opaque(&self, directory: &OwnedFd, path: &Path) -> Result<(), ApplyError> {
        if let Some(name) = self.overlay_opaque() {
            rustix::fs::fsetxattr(directory, name, b"y", XattrFlags::empty())
                .map_err(failed("mark as opaque", path))?;
        }
        Ok(())
    }

    /// What is not opened: links, devices, pipes.
    pub(super) fn special(&mut self, entry: &Entry, place: &Place<'_>) -> Result<(), ApplyError> {
        let xattrs = kept(&entry.xattrs);
        let attributes = self.attributes(entry, &xattrs)?;
        let node = |kind, device: Device| {
            let device = rustix::fs::makedev(device.major, device.minor);
            rustix::fs::mknodat(&place.parent, place.name, kind, Mode::RUSR | Mode::WUSR, device)
        };
        self.make(place, "create", || match &entry.kind {
            Kind::Symlink(target) => {
                rustix::fs::symlinkat(OsStr::from_bytes(target), &place.parent, place.name)
            }
            Kind::CharDevice(device) => node(FileType::CharacterDevice, *device),
            Kind::BlockDevice(device) => node(FileType::BlockDevice, *device),
            Kind::Fifo => node(FileType::Fifo, Device { major: 0, minor: 0 }),
            Kind::File | Kind::Directory | Kind::HardLink(_) => Err(Errno::INVAL),
        })?;
        let made = Node::open(place.parent.as_fd(), place.name).map_err(failed("open", place.path))?;
        let is_link = made.kind() == FileType::Symlink;
        let skipped = attributes
            .set_on_held(made.fd(), is_link)
            .map_err(failed("set the attributes of", place.path))?;
        self.note_skipped(place.path, skipped);
        self.note_made(made.id());
        Ok(())
    }

    fn attributes<'x>(&self, entry: &Entry, xattrs: &'x [Xattr]) -> Result<Attributes<'x>, ApplyError> {
        let (uid, gid) = (entry.uid, entry.gid);
        let unmapped = || super::refused(&entry.path, Refusal::Unmapped { uid, gid });
        let owner = self.options.ownership.of(uid, gid).ok_or_else(unmapped)?;
        Ok(Attributes { owner, mode: entry.mode, mtime: entry.mtime, xattrs })
    }

    fn note_made_at(&mut self, file: &OwnedFd, path: &Path) -> Result<(), ApplyError> {
        if self.made.is_some() {
            let stat = rustix::fs::fstat(file).map_err(failed("look at", path))?;
            self.note_made(id_of(&stat));
        }
        Ok(())
    }

    /// Of a link only the name is this layer's, unless the file is too: a whiteout may still hide it elsewhere.
    pub(super) fn note_link(&mut self, place: &Place<'_>) -> Result<(), ApplyError> {
        if let Some(made) = &mut self.made {
            let stat = rustix::fs::statat(&place.parent, place.name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(failed("look at", place.path))?;
            let directory = rustix::fs::fstat(&place.parent).map_err(failed("look at", place.path))?;
            made.name(id_of(&directory), place.name, id_of(&stat));
        }
        Ok(())
    }
}

/// The attributes that an archive may set.
fn kept(xattrs: &[Xattr]) -> Vec<Xattr> {
    xattrs.iter().filter(|xattr| guard::xattr_allowed(&xattr.name)).cloned().collect()
}

fn copy_content<R: Read>(
    entry: &Entry,
    file: &OwnedFd,
    path: &Path,
    tar: &mut TarReader<R>,
) -> Result<u64, ApplyError> {
    let write = failed("write to", path);
    let Some(extents) = &entry.extents else {
        let mut written = 0u64;
        loop {
            let piece = tar.content_piece()?;
            if piece.is_empty() {
                return Ok(written);
            }
            let count = retry(|| rustix::io::write(file, piece)).map_err(&write)?;
            tar.consume(count);
            written += count as u64;
        }
    };
    for extent in extents {
        copy_extent(*extent, file, path, tar)?;
    }
    rustix::fs::ftruncate(file, entry.size).map_err(write)?;
    Ok(extents.iter().map(|extent| extent.length).sum())
}

fn copy_extent<R: Read>(
    mut extent: Extent,
    file: &OwnedFd,
    path: &Path,
    tar: &mut TarReader<R>,
) -> Result<(), ApplyError> {
    while extent.length > 0 {
        let piece = tar.content_piece()?;
        let length = extent.length.min(piece.len() as u64) as usize;
        let count = retry(|| rustix::io::pwrite(file, &piece[..length], extent.offset))
            .and_then(|count| if count == 0 { Err(Errno::IO) } else { Ok(count) })
            .map_err(failed("write to", path))?;
        tar.consume(count);
        extent.offset += count as u64;
        extent.length -= count as u64;
    }
    Ok(())
}

fn retry(call: impl Fn() -> rustix::io::Result<usize>) -> rustix::io::Result<usize> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

impl Applier<'_> {
    /// Sets the mode and time that were put off.
    pub(super) fn settle_directory(&self, fd: &OwnedFd, pending: &PendingDirectory) -> Result<(), FsError> {
        if pending.mode & 0o700 != 0o700 {
            rustix::fs::fchmod(fd, Mode::from_raw_mode(pending.mode))
                .map_err(failed("set the mode of", &pending.path))?;
        }
        rustix::fs::futimens(fd, &crate::attributes::times(pending.mtime))
            .map_err(failed("set the time of", &pending.path))
    }
}
