//! What the parent opens for the child while it still is in the host's world.
//!
//! The root file system and every bind source become detached mounts (open_tree(2), fsmount(2)), so that the child
//! puts descriptors in their places and never resolves a path of the host. A clone made here keeps its tie with the
//! host's mount, which is what `rshared` and `rslave` are about.

mod overlay;

use crate::error::{Cause, LaunchError, StepKind};
use crate::options::Recursion;
use crate::plan::{BindSource, Plan, Step};
use kernel::namespace::Kind;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};
use spec::rootfs::Rootfs;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

/// `PROC_SUPER_MAGIC` of linux/magic.h.
const PROC_MAGIC: i64 = 0x9fa0;

/// Descriptors that the child inherits.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The root of the root file system, a detached mount.
    pub(crate) root: OwnedFd,
    /// In the order of [`Plan::binds`].
    pub(crate) binds: Vec<Bind>,
    /// Namespaces of the spec that have a path.
    pub(crate) namespaces: Vec<(Kind, OwnedFd)>,
    /// The host's `/proc`.
    pub(crate) proc: Option<OwnedFd>,
}

/// A bind source.
#[derive(Debug)]
pub(crate) struct Bind {
    /// A detached clone of its mounts.
    pub(crate) tree: OwnedFd,
    /// Whether the place for it has to be a directory.
    pub(crate) is_directory: bool,
}

fn host_error(step: StepKind, path: &Path, errno: Errno) -> LaunchError {
    LaunchError::Host { step, object: path.display().to_string(), source: Cause(errno) }
}

impl Sources {
    /// Opens everything that the plan needs.
    pub(crate) fn open(plan: &Plan, rootfs: &Rootfs) -> Result<Self, LaunchError> {
        let binds = plan.binds.iter().map(Bind::open).collect::<Result<_, _>>()?;
        let namespaces = plan
            .namespace_paths
            .iter()
            .map(|(kind, path)| Ok((*kind, open_namespace(*kind, path)?)))
            .collect::<Result<_, LaunchError>>()?;
        Ok(Sources { root: open_root(rootfs)?, binds, namespaces, proc: open_proc(&plan.steps)? })
    }
}

/// The host's `/proc`, if a step writes there; verified to be procfs.
pub(crate) fn open_proc(steps: &[Step]) -> Result<Option<OwnedFd>, LaunchError> {
    let needs = |step: &Step| matches!(step, Step::Sysctl { .. } | Step::OomScore(_) | Step::Label { .. });
    if !steps.iter().any(needs) {
        return Ok(None);
    }
    let path = Path::new("/proc");
    let open = || {
        let proc =
            rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        if rustix::fs::fstatfs(&proc)?.f_type != PROC_MAGIC {
            return Err(Errno::NODEV);
        }
        Ok(proc)
    };
    open().map(Some).map_err(|errno| host_error(StepKind::Prepare, path, errno))
}

fn open_namespace(kind: Kind, path: &Path) -> Result<OwnedFd, LaunchError> {
    let open = || {
        let namespace = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let found = kernel::namespace::kind_of(std::os::fd::AsFd::as_fd(&namespace))?;
        if found == kind { Ok(namespace) } else { Err(Errno::INVAL) }
    };
    open().map_err(|errno| host_error(StepKind::Namespaces, path, errno))
}

impl Bind {
    fn open(source: &BindSource) -> Result<Self, LaunchError> {
        let tree = clone_tree(&source.path, source.recursion)
            .map_err(|errno| host_error(StepKind::Mount, &source.path, errno))?;
        let stat =
            rustix::fs::fstat(&tree).map_err(|errno| host_error(StepKind::Mount, &source.path, errno))?;
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        Ok(Bind { tree, is_directory })
    }
}

pub(crate) fn clone_tree(path: &Path, recursion: Recursion) -> rustix::io::Result<OwnedFd> {
    open_tree(CWD, path, clone_flags(recursion))
}

fn clone_flags(recursion: Recursion) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    match recursion {
        Recursion::One => flags,
        Recursion::All => flags | OpenTreeFlags::AT_RECURSIVE,
    }
}

/// A detached clone of the mount on which `place` is, with `place` as its root.
pub(crate) fn clone_of(place: BorrowedFd<'_>, recursion: Recursion) -> rustix::io::Result<OwnedFd> {
    open_tree(place, "", clone_flags(recursion) | OpenTreeFlags::AT_EMPTY_PATH)
}

fn open_root(rootfs: &Rootfs) -> Result<OwnedFd, LaunchError> {
    match rootfs {
        Rootfs::Dir { path } => clone_tree(path, Recursion::All)
            .map_err(|errno| host_error(StepKind::RootFilesystem, path, errno)),
        Rootfs::Overlay { lowers, upper, work, userxattr } => {
            overlay::mount(lowers, upper.as_deref(), work.as_deref(), *userxattr)
        }
        Rootfs::Erofs { .. } => Err(unsupported("erofs")),
        Rootfs::Block { filesystem, .. } => Err(unsupported(filesystem)),
    }
}

fn unsupported(kind: &str) -> LaunchError {
    LaunchError::Invalid { field: "rootfs", value: kind.to_owned(), problem: "cannot be mounted yet" }
}
