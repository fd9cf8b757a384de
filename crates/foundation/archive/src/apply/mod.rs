//! Applies a layer to a directory, without races and without leaving it.
//!
//! Who calls it: image unpacking, `import`, `cp` into a container, `ADD`. The contract: every path is resolved by
//! descriptor inside the target, links read as a process chrooted there would; what is there already is never
//! opened or written through but unlinked and made anew (a directory over a directory is kept); later entries win.
//! After an error the target holds a part, which the caller removes. The target must not be reachable by processes
//! that could put names of foreign files into it.
//!
//! Speed: the directory of the last entry stays open, so that a file costs seven calls; modes and times of
//! directories come last, since making files changes the ones and may need others than the other.

mod create;
mod finish;
mod hard_link;
mod options;
mod outcome;
mod place;
mod whiteout;

pub use options::{ApplyOptions, Devices, MapIds, OverlayXattr, Ownership, Whiteouts};
pub use outcome::{Applied, ApplyError, MissingHardLink, Refusal, SkippedXattr};

use crate::attributes::Skipped;
use crate::entry::{Entry, Kind, Timestamp};
use crate::fs_error::failed;
use crate::name::{BadPath, EntryPath};
use crate::node::FileId;
use crate::reader::TarReader;
use crate::remove::Kept;
use place::Place;
use rustix::fs::{Mode, OFlags};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How many left-out attributes are named; the rest is counted.
const SKIPPED_NAMED_MAX: usize = 32;

/// Applies an uncompressed layer to the directory `target` and reads the stream to its end.
///
/// # Errors
/// When the archive cannot be read, asks for what it may not have, or the file system refuses.
pub fn apply_layer(
    reader: impl Read,
    target: BorrowedFd<'_>,
    options: &ApplyOptions<'_>,
) -> Result<Applied, ApplyError> {
    let mut tar = TarReader::new(reader, options.limits);
    let mut applier = Applier::new(target, options)?;
    while let Some(entry) = tar.next_entry()? {
        applier.entry(&entry, &mut tar)?;
    }
    tar.drain()?;
    applier.finish()
}

/// A directory whose mode and time are set at the end.
struct PendingDirectory {
    path: PathBuf,
    mode: u32,
    mtime: Timestamp,
}

/// A layer under way.
struct Applier<'a> {
    root: Rc<OwnedFd>,
    options: &'a ApplyOptions<'a>,
    /// The directory in which the last entry was put, by its path in the archive.
    last_parent: Option<(PathBuf, Rc<OwnedFd>)>,
    pending: HashMap<FileId, PendingDirectory>,
    /// Implied directories by what they are, since an explicit entry may reach them by another path.
    implied: HashMap<FileId, PathBuf>,
    implied_count: u64,
    /// What this layer brought; kept only where whiteouts delete.
    made: Option<Kept>,
    applied: Applied,
}

impl<'a> Applier<'a> {
    fn new(target: BorrowedFd<'_>, options: &'a ApplyOptions<'a>) -> Result<Self, ApplyError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root =
            rustix::fs::openat(target, ".", flags, Mode::empty()).map_err(failed("open", Path::new("")))?;
        Ok(Self {
            root: Rc::new(root),
            options,
            last_parent: None,
            pending: HashMap::new(),
            implied: HashMap::new(),
            implied_count: 0,
            made: (options.whiteouts == Whiteouts::Delete).then(Kept::default),
            applied: Applied::default(),
        })
    }

    fn entry<R: Read>(&mut self, entry: &Entry, tar: &mut TarReader<R>) -> Result<(), ApplyError> {
        self.applied.entries += 1;
        let refused = |reason| refused(&entry.path, reason);
        let path = EntryPath::parse(&entry.path, &self.options.limits)
            .map_err(|bad| refused(refusal(&bad, self.options.limits.depth)))?;
        if path.is_root() {
            if entry.kind != Kind::Directory {
                return Err(refused(Refusal::Root));
            }
            let root = Rc::clone(&self.root);
            return self.finish_directory(entry, &root, path.as_path());
        }
        if self.options.whiteouts != Whiteouts::Literal
            && let Some(action) = whiteout::action(&path).map_err(refused)?
        {
            return self.whiteout(&action, &path);
        }
        if self.left_out(entry).map_err(refused)? {
            return Ok(());
        }
        let place = Place { parent: self.parent(&path)?, name: path.name(), path: path.as_path() };
        match &entry.kind {
            Kind::File => self.file(entry, &place, tar),
            Kind::Directory => self.directory(entry, &place),
            Kind::HardLink(target) => self.hard_link(target, &place),
            Kind::Symlink(_) | Kind::CharDevice(_) | Kind::BlockDevice(_) | Kind::Fifo => {
                self.special(entry, &place)
            }
        }
    }

    /// Whether the entry is a device that shall not be made.
    fn left_out(&self, entry: &Entry) -> Result<bool, Refusal> {
        let overlay = matches!(self.options.whiteouts, Whiteouts::Overlay { .. });
        match &entry.kind {
            Kind::CharDevice(device) if overlay && (device.major, device.minor) == (0, 0) => {
                Err(Refusal::WhiteoutDevice)
            }
            Kind::CharDevice(_) | Kind::BlockDevice(_) => Ok(self.options.devices == Devices::Skip),
            _ => Ok(false),
        }
    }

    fn note_skipped(&mut self, path: &Path, skipped: Vec<Skipped>) {
        self.applied.skipped_xattr_count += skipped.len() as u64;
        let room = SKIPPED_NAMED_MAX - self.applied.skipped_xattrs.len().min(SKIPPED_NAMED_MAX);
        self.applied.skipped_xattrs.extend(skipped.into_iter().take(room).map(|one| SkippedXattr {
            path: path.to_owned(),
            name: String::from_utf8_lossy(&one.name).into_owned(),
            errno: one.errno,
        }));
    }
}

fn refused(path: &[u8], reason: Refusal) -> ApplyError {
    ApplyError::Refused { path: PathBuf::from(OsStr::from_bytes(path)), reason }
}

fn refusal(bad: &BadPath, limit: u64) -> Refusal {
    match bad {
        BadPath::Component => Refusal::Path,
        BadPath::TooDeep => Refusal::TooDeep { limit },
    }
}
