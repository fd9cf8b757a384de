//! Hard links: to files of this layer, or noted for later.

use super::place::Place;
use super::{Applier, ApplyError, MissingHardLink, Refusal};
use crate::fs_error::failed;
use crate::guard;
use crate::name::EntryPath;
use crate::node::{Node, id_of};
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

impl Applier<'_> {
    pub(super) fn hard_link(&mut self, target: &[u8], place: &Place<'_>) -> Result<(), ApplyError> {
        let refused = |reason| super::refused(place.path.as_os_str().as_bytes(), reason);
        let target = EntryPath::parse(target, &self.options.limits)
            .map_err(|bad| refused(super::refusal(&bad, self.options.limits.depth)))?;
        let not_linkable = || refused(Refusal::LinkTarget { target: target.as_path().to_owned() });
        if target.is_root() {
            return Err(not_linkable());
        }
        let Some((directory, node)) = self.find_target(&target)? else {
            return self.note_missing(&target, place);
        };
        if node.kind() == FileType::Directory || self.overlay_opaque().is_some() && node.is_whiteout() {
            return Err(not_linkable());
        }
        if place.stat()?.is_some_and(|stat| id_of(&stat) == node.id()) {
            return Ok(());
        }
        self.make(place, "link", || {
            rustix::fs::linkat(&directory, target.name(), &place.parent, place.name, AtFlags::empty())
        })?;
        self.note_link(place)
    }

    /// The directory in which the link's target stands, and what it is.
    fn find_target(&self, target: &EntryPath) -> Result<Option<(Rc<OwnedFd>, Node)>, ApplyError> {
        let directory = match self.known(target.parent()) {
            Some(known) => known,
            None => match guard::open_directory(self.root.as_fd(), target.parent()) {
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                opened => Rc::new(opened.map_err(failed("open", target.parent()))?),
            },
        };
        match Node::open(directory.as_fd(), target.name()) {
            Err(Errno::NOENT) => Ok(None),
            node => {
                let node = node.map_err(failed("open", target.as_path()))?;
                Ok(Some((directory, node)))
            }
        }
    }

    /// In a layer of its own the target may be in one below; elsewhere there is none.
    fn note_missing(&mut self, target: &EntryPath, place: &Place<'_>) -> Result<(), ApplyError> {
        let (path, target) = (place.path.to_owned(), target.as_path().to_owned());
        if self.overlay_opaque().is_none() {
            return Err(ApplyError::Refused { path, reason: Refusal::NoLinkTarget { target } });
        }
        self.clear(place)?;
        self.applied.missing_hardlinks.push(MissingHardLink { path, target });
        Ok(())
    }

    /// Makes a link whose target has been copied up since; `false` when there still is none.
    pub(super) fn link_late(&mut self, missing: &MissingHardLink) -> Result<bool, ApplyError> {
        let Ok(target) = EntryPath::parse(missing.target.as_os_str().as_bytes(), &self.options.limits) else {
            return Ok(false);
        };
        let Ok(path) = EntryPath::parse(missing.path.as_os_str().as_bytes(), &self.options.limits) else {
            return Ok(false);
        };
        let place = Place { parent: self.parent(&path)?, name: path.name(), path: Path::new(&missing.path) };
        if place.stat()?.is_some() {
            // A later entry has taken the name.
            return Ok(true);
        }
        let found = match self.find_target(&target)? {
            // A later entry hides the file: what is below is then this name's alone.
            Some((_, node)) if node.is_whiteout() => return self.copy_up(&target, &place),
            Some(found) => Some(found),
            None => {
                let parent = self.parent(&target)?;
                let original = Place { parent, name: target.name(), path: target.as_path() };
                if self.copy_up(&target, &original)? { self.find_target(&target)? } else { None }
            }
        };
        let Some((directory, _)) = found else { return Ok(false) };
        rustix::fs::linkat(&directory, target.name(), &place.parent, place.name, AtFlags::empty())
            .map_err(failed("link", place.path))?;
        Ok(true)
    }
}
