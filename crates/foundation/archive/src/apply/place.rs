//! Where an entry goes: its parent directory, found or made, and what stands in the way.

use super::{Applier, ApplyError, Refusal, Whiteouts};
use crate::attributes::{Attributes, times};
use crate::entry::Timestamp;
use crate::fs_error::{FsError, failed};
use crate::guard;
use crate::name::EntryPath;
use crate::node::{FileId, id_of, is_whiteout};
use crate::remove::remove_tree;
use kernel::path::Obstacle;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, XattrFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A name in an open directory.
pub(super) struct Place<'a> {
    pub(super) parent: Rc<OwnedFd>,
    pub(super) name: &'a OsStr,
    /// For messages, and to find it again.
    pub(super) path: &'a Path,
}

/// How often a name is cleared again that somebody else keeps filling.
const ATTEMPTS_MAX: u32 = 16;

impl Place<'_> {
    pub(super) fn stat(&self) -> Result<Option<Stat>, FsError> {
        match guard::look_at(self.parent.as_fd(), self.name) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(other) => Err(failed("look at", self.path)(other)),
        }
    }
}

impl Applier<'_> {
    /// The directory in which an entry goes; made if it is missing.
    pub(super) fn parent(&mut self, path: &EntryPath) -> Result<Rc<OwnedFd>, ApplyError> {
        let parent = path.parent();
        if let Some(found) = self.known(parent) {
            return Ok(found);
        }
        let opened = match guard::open_directory(self.root.as_fd(), parent) {
            Err(Errno::NOENT | Errno::NOTDIR) => self.make_parents(parent)?,
            done => done.map_err(failed("open", parent))?,
        };
        let opened = Rc::new(opened);
        self.last_parent = Some((parent.to_owned(), Rc::clone(&opened)));
        Ok(opened)
    }

    /// A directory that is open already.
    pub(super) fn known(&self, path: &Path) -> Option<Rc<OwnedFd>> {
        if path.as_os_str().is_empty() {
            return Some(Rc::clone(&self.root));
        }
        self.last_parent.as_ref().filter(|(known, _)| known == path).map(|(_, fd)| Rc::clone(fd))
    }

    fn make_parents(&mut self, path: &Path) -> Result<OwnedFd, ApplyError> {
        let root = Rc::clone(&self.root);
        let mut over_limit = false;
        let opened = kernel::path::walk_in_root(root.as_fd(), path, &mut |obstacle| {
            if guard::exceeds(self.applied.entries + self.implied_count, self.options.limits.entries) {
                over_limit = true;
                return Err(Errno::NOSPC);
            }
            self.imply(obstacle)
        });
        match opened {
            Err(_) if over_limit => {
                let limit = self.options.limits.entries;
                Err(ApplyError::Refused { path: path.to_owned(), reason: Refusal::TooManyImplied { limit } })
            }
            opened => Ok(opened.map_err(failed("make the directory", path))?),
        }
    }

    /// Makes a directory that the archive does not have; one that it hid before is then opaque.
    fn imply(&mut self, obstacle: &Obstacle<'_>) -> rustix::io::Result<()> {
        let mut hidden = false;
        if obstacle.existing.is_some() {
            let stat = rustix::fs::statat(obstacle.parent, obstacle.name, AtFlags::SYMLINK_NOFOLLOW)?;
            hidden = self.overlay_opaque().is_some() && is_whiteout(&stat);
            if !hidden {
                return Err(Errno::NOTDIR);
            }
            rustix::fs::unlinkat(obstacle.parent, obstacle.name, AtFlags::empty())?;
        }
        rustix::fs::mkdirat(obstacle.parent, obstacle.name, Mode::RWXU)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(obstacle.parent, obstacle.name, flags, Mode::empty())?;
        let owner = self.options.ownership.of(0, 0).flatten();
        let attributes = Attributes { owner, mode: 0o755, mtime: Timestamp::default(), xattrs: &[] };
        attributes.set_on_open(made.as_fd())?;
        if let (true, Some(name)) = (hidden, self.overlay_opaque()) {
            rustix::fs::fsetxattr(&made, name, b"y", XattrFlags::empty())?;
        }
        let id = id_of(&rustix::fs::fstat(&made)?);
        self.implied.insert(id, obstacle.path.to_owned());
        self.implied_count += 1;
        self.note_made(id);
        Ok(())
    }

    /// The name of the opaque mark, where whiteouts are those of overlayfs.
    pub(super) fn overlay_opaque(&self) -> Option<&'static str> {
        match self.options.whiteouts {
            Whiteouts::Overlay { xattr } => Some(xattr.opaque()),
            Whiteouts::Delete | Whiteouts::Literal => None,
        }
    }

    pub(super) fn note_made(&mut self, id: FileId) {
        if let Some(made) = &mut self.made {
            made.object(id);
        }
    }

    /// Calls `make`, removing what is in the way as often as it says that something is.
    pub(super) fn make<T>(
        &mut self,
        place: &Place<'_>,
        action: &'static str,
        make: impl Fn() -> rustix::io::Result<T>,
    ) -> Result<T, ApplyError> {
        for _ in 0..ATTEMPTS_MAX {
            match make() {
                Err(Errno::EXIST) => self.clear(place)?,
                done => return Ok(done.map_err(failed(action, place.path))?),
            }
        }
        Err(failed(action, place.path)(Errno::EXIST).into())
    }

    /// Removes whatever is there.
    pub(super) fn clear(&mut self, place: &Place<'_>) -> Result<(), ApplyError> {
        let Some(stat) = place.stat()? else { return Ok(()) };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if self.options.keep_kinds => {
                return Err(super::refused(place.path.as_os_str().as_bytes(), Refusal::OverDirectory));
            }
            FileType::Directory | FileType::Symlink => self.last_parent = None,
            _ => {}
        }
        Ok(remove_tree(place.parent.as_fd(), place.name).map_err(failed("replace", place.path))?)
    }

    /// Sets the epoch on an implied directory, for want of anything better.
    pub(super) fn settle_implied(&self, fd: &OwnedFd, path: &Path) -> Result<(), ApplyError> {
        Ok(rustix::fs::futimens(fd, &times(Timestamp::default())).map_err(failed("set the time of", path))?)
    }

    /// Opens a directory that was made before, if it is still the one that stands there.
    pub(super) fn reopen(&self, path: &Path, id: FileId) -> Result<Option<OwnedFd>, ApplyError> {
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = match kernel::path::open_in_root(self.root.as_fd(), &path, flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            fd => fd.map_err(failed("open", &path))?,
        };
        let stat = rustix::fs::fstat(&fd).map_err(failed("look at", &path))?;
        Ok((id_of(&stat) == id).then_some(fd))
    }
}
