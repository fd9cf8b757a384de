//! What comes last: what the layers below know, modes and times of directories, the sync.

use super::place::Place;
use super::{Applied, Applier, ApplyError, Refusal};
use crate::attributes::Attributes;
use crate::copy::copy_special_or_file;
use crate::fs_error::failed;
use crate::lower::find;
use crate::name::EntryPath;
use crate::node::Node;
use rustix::fs::FileType;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

impl Applier<'_> {
    pub(super) fn finish(mut self) -> Result<Applied, ApplyError> {
        for missing in std::mem::take(&mut self.applied.missing_hardlinks) {
            if !self.link_late(&missing)? {
                self.applied.missing_hardlinks.push(missing);
            }
        }
        self.settle_all_implied()?;
        // Children first: a parent may be about to lose the rights to reach them.
        let mut pending: Vec<_> = std::mem::take(&mut self.pending).into_iter().collect();
        pending.sort_by(|(_, a), (_, b)| b.path.cmp(&a.path));
        for (id, pending) in pending {
            if let Some(fd) = self.reopen(&pending.path, id)? {
                self.settle_directory(&fd, &pending)?;
            }
        }
        if self.options.sync {
            rustix::fs::syncfs(&self.root).map_err(failed("sync", Path::new("")))?;
        }
        Ok(self.applied)
    }

    fn settle_all_implied(&mut self) -> Result<(), ApplyError> {
        let mut implied: Vec<_> = std::mem::take(&mut self.implied).into_iter().collect();
        implied.sort_by(|(_, a), (_, b)| b.cmp(a));
        for (id, path) in implied {
            let Some(fd) = self.reopen(&path, id)? else { continue };
            match self.lower_node(&path)? {
                Some(below) if below.kind() == FileType::Directory => self.take_over(&fd, &below, &path)?,
                _ => self.settle_implied(&fd, &path)?,
            }
            self.applied.implied_dirs.push(path);
        }
        self.applied.implied_dirs.reverse();
        Ok(())
    }

    /// What the layers below show at a path.
    fn lower_node(&self, path: &Path) -> Result<Option<Node>, ApplyError> {
        Ok(find(self.options.lower, path).map_err(failed("look below for", path))?)
    }

    /// Gives an implied directory the attributes that it has below.
    fn take_over(&mut self, fd: &OwnedFd, below: &Node, path: &Path) -> Result<(), ApplyError> {
        let xattrs = below.xattrs().map_err(failed("read the attributes of", path))?;
        let owner = Some((below.stat.st_uid, below.stat.st_gid));
        let attributes = Attributes { owner, mode: below.mode(), mtime: below.mtime(), xattrs: &xattrs };
        let skipped = attributes.set_on_open(fd.as_fd()).map_err(failed("set the attributes of", path))?;
        attributes.set_time(fd.as_fd()).map_err(failed("set the time of", path))?;
        self.note_skipped(path, skipped);
        Ok(())
    }

    /// Copies a file of a layer below to `place`; `false` when there is none.
    pub(super) fn copy_up(&mut self, target: &EntryPath, place: &Place<'_>) -> Result<bool, ApplyError> {
        let Some(below) = self.lower_node(target.as_path())? else { return Ok(false) };
        if below.kind() == FileType::Directory {
            let reason = Refusal::LinkTarget { target: target.as_path().to_owned() };
            return Err(ApplyError::Refused { path: PathBuf::from(target.as_path()), reason });
        }
        let skipped = copy_special_or_file(&below, place.parent.as_fd(), place.name)
            .map_err(failed("copy up", place.path))?;
        self.note_skipped(place.path, skipped);
        Ok(true)
    }
}
