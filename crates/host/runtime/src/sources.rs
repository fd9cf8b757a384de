//! What the parent opens for the child while it still is in the host's world.
//!
//! The root file system and every bind source become detached mounts (open_tree(2), fsmount(2)), so that the child
//! puts descriptors in their places and never resolves a path of the host. A clone made here keeps its tie with the
//! host's mount, which is what `rshared` and `rslave` are about.

pub(crate) mod overlay;

use crate::error::{Cause, LaunchError, StepKind};
use crate::options::Recursion;
use crate::plan::{BindSource, Plan, Step};
use kernel::mount::{Change, Propagation};
use kernel::namespace::Kind;
use overlay::Layers;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen, open_tree,
};
use spec::rootfs::Rootfs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// `PROC_SUPER_MAGIC` of linux/magic.h.
const PROC_MAGIC: i64 = 0x9fa0;

/// Descriptors that the child inherits.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The root file system.
    pub(crate) root: Root,
    /// In the order of [`Plan::binds`].
    pub(crate) binds: Vec<Bind>,
    /// Namespaces of the spec that have a path.
    pub(crate) namespaces: Vec<(Kind, OwnedFd)>,
    /// The host's `/proc`.
    pub(crate) proc: Option<OwnedFd>,
}

/// The root file system.
#[derive(Debug)]
pub(crate) enum Root {
    /// A detached mount.
    Mounted(OwnedFd),
    /// An overlay for which only mount(2) will do.
    Overlay(overlay::OwnedLayers),
}

impl Root {
    /// What the child must keep open for it.
    pub(crate) fn descriptors(&self) -> &[OwnedFd] {
        match self {
            Root::Mounted(mount) => std::slice::from_ref(mount),
            Root::Overlay(_) => &[],
        }
    }
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
    let needs = |step: &Step| {
        matches!(
            step,
            Step::Sysctl { .. } | Step::OomScore(_) | Step::Label { .. } | Step::MakeTimeNamespace(_)
        )
    };
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
        let found = kernel::namespace::kind_of(namespace.as_fd())?;
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

fn open_root(rootfs: &Rootfs) -> Result<Root, LaunchError> {
    match rootfs {
        Rootfs::Dir { path } => {
            directory(path).map_err(|errno| host_error(StepKind::RootFilesystem, path, errno))
        }
        Rootfs::Overlay { lowers, upper, work, userxattr } => match (&lowers[..], upper) {
            // overlayfs wants two layers at least.
            ([only], None) => open_single(only),
            _ => overlay::prepare(&Layers {
                lowers,
                upper: upper.as_deref(),
                work: work.as_deref(),
                userxattr: *userxattr,
            }),
        },
        Rootfs::Block { device, filesystem } => {
            block(device, filesystem).map_err(|errno| host_error(StepKind::RootFilesystem, device, errno))
        }
        Rootfs::Erofs { .. } => Err(LaunchError::Invalid {
            field: "rootfs",
            value: "erofs".to_owned(),
            problem: "cannot be mounted yet",
        }),
    }
}

/// A directory as it is. Where the host shares the mount that it is on, the container sees what the host mounts and
/// the host nothing of the container's.
fn directory(path: &Path) -> rustix::io::Result<Root> {
    let mount = clone_tree(path, Recursion::All)?;
    let change = Change { propagation: Some(Propagation::Slave), ..Change::default() };
    kernel::mount::set_attributes(mount.as_fd(), &change, true)?;
    Ok(Root::Mounted(mount))
}

/// The read-only view of a single layer.
fn open_single(layer: &Path) -> Result<Root, LaunchError> {
    let propagation = Some(Propagation::Private);
    let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, propagation, ..Change::default() };
    clone_tree(layer, Recursion::One)
        .and_then(|mount| kernel::mount::set_attributes(mount.as_fd(), &change, false).map(|()| mount))
        .map(Root::Mounted)
        .map_err(|errno| host_error(StepKind::RootFilesystem, layer, errno))
}

fn block(device: &Path, filesystem: &str) -> rustix::io::Result<Root> {
    let context = fsopen(filesystem, FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", device)?;
    fsconfig_create(&context)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map(Root::Mounted)
}
