//! Whiteouts (OCI image-spec, layer.md): names that hide what the layers below have.

use super::place::Place;
use super::{Applier, ApplyError, Refusal};
use crate::fs_error::failed;
use crate::guard;
use crate::name::EntryPath;
use crate::remove::{purge, purge_children};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const PREFIX: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What a `.wh.` name asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// Hide this name in the entry's directory.
    Hide(&'a OsStr),
    /// Hide everything that the layers below have in the entry's directory.
    HideAll,
    /// Bookkeeping of AUFS, which no layer is meant to contain (Docker drops it too).
    Nothing,
}

/// What the path asks for; `None` for an ordinary one.
pub(super) fn action(path: &EntryPath) -> Result<Option<Action<'_>>, Refusal> {
    let mut parents = path.parent().as_os_str().as_bytes().split(|byte| *byte == b'/');
    if let Some(parent) = parents.find(|parent: &&[u8]| parent.starts_with(PREFIX)) {
        let bookkeeping = parent.starts_with(b".wh..wh.") && parent != OPAQUE;
        return if bookkeeping { Ok(Some(Action::Nothing)) } else { Err(Refusal::WhiteoutParent) };
    }
    match path.name().as_bytes() {
        OPAQUE => Ok(Some(Action::HideAll)),
        name if name.starts_with(b".wh..wh.") => Ok(Some(Action::Nothing)),
        name => match name.strip_prefix(PREFIX) {
            None => Ok(None),
            Some(hidden) if guard::component_allowed(hidden) => {
                Ok(Some(Action::Hide(OsStr::from_bytes(hidden))))
            }
            Some(_) => Err(Refusal::Whiteout),
        },
    }
}

impl Applier<'_> {
    pub(super) fn whiteout(&mut self, action: &Action<'_>, path: &EntryPath) -> Result<(), ApplyError> {
        let parent = match action {
            Action::Nothing => return Ok(()),
            Action::Hide(_) | Action::HideAll => self.parent(path)?,
        };
        match (action, self.made.is_some()) {
            (Action::Hide(name), true) => {
                // A link or a directory that goes may be the one that led to the last parent.
                self.last_parent = None;
                self.purge_name(&Place { parent, name, path: path.as_path() })
            }
            (Action::Hide(name), false) => self.mark_hidden(&Place { parent, name, path: path.as_path() }),
            (_, deleting) => {
                let directory = readable(&parent, path.parent())?;
                if !deleting {
                    return self.mark_opaque(&directory, path.parent());
                }
                self.last_parent = None;
                let made = self.made.take().unwrap_or_default();
                let purged = purge_children(directory, &made, 0);
                self.made = Some(made);
                Ok(purged.map_err(failed("empty", path.parent()))?)
            }
        }
    }

    fn purge_name(&mut self, place: &Place<'_>) -> Result<(), ApplyError> {
        let made = self.made.take().unwrap_or_default();
        let purged = purge(place.parent.as_fd(), place.name, &made);
        self.made = Some(made);
        Ok(purged.map_err(failed("remove what is hidden by", place.path))?)
    }

    /// Makes the mark of overlayfs. What this layer itself has under that name stays, but then covers what is
    /// below: a directory by being opaque, anything else anyway.
    fn mark_hidden(&mut self, place: &Place<'_>) -> Result<(), ApplyError> {
        let made =
            rustix::fs::mknodat(&place.parent, place.name, FileType::CharacterDevice, Mode::empty(), 0);
        match made {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {}
            Err(other) => return Err(failed("make the whiteout", place.path)(other).into()),
        }
        let existing = place.stat()?.map(|stat| FileType::from_raw_mode(stat.st_mode));
        if existing != Some(FileType::Directory) {
            return Ok(());
        }
        let directory = guard::enter(place.parent.as_fd(), place.name).map_err(failed("open", place.path))?;
        self.mark_opaque(&directory, place.path)
    }
}

fn readable(directory: &OwnedFd, path: &Path) -> Result<OwnedFd, ApplyError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, ".", flags, Mode::empty()).map_err(failed("open", path))?)
}

#[cfg(test)]
#[cfg(not(feature = "weakened"))]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn names_are_told_apart() {
        let read = |raw: &str| {
            let path = EntryPath::parse(raw.as_bytes(), &Limits::default()).unwrap();
            match action(&path) {
                Ok(None) => "plain".to_owned(),
                Ok(Some(Action::Hide(name))) => format!("hide {}", name.display()),
                Ok(Some(Action::HideAll)) => "hide all".to_owned(),
                Ok(Some(Action::Nothing)) => "nothing".to_owned(),
                Err(refusal) => format!("{refusal:?}"),
            }
        };
        for (raw, expected) in [
            ("a/.whatever", "plain"),
            ("a/.wh.b", "hide b"),
            (".wh.b", "hide b"),
            ("a/.wh..wh..opq", "hide all"),
            (".wh..wh..opq", "hide all"),
            (".wh..wh.plnk/12.34", "nothing"),
            (".wh..wh.aufs", "nothing"),
            (".wh.", "Whiteout"),
            (".wh..", "Whiteout"),
            ("a/.wh...", "Whiteout"),
            ("a/.wh....", "hide ..."),
            (".wh.a/b", "WhiteoutParent"),
        ] {
            assert_eq!(read(raw), expected, "{raw}");
        }
    }
}
