//! What the parent opens for the child while it still is in the host's world.
//!
//! The root file system and every bind source become detached mounts (open_tree(2), fsmount(2)), so that the child
//! puts descriptors in their places and never resolves a path of the host. Bind sources are opened when the child asks
//! for them. A clone made here keeps its tie with the
//! host's mount, which is what `rshared` and `rslave` are about.

pub(crate) mod overlay;

use crate::error::{Cause, LaunchError, StepKind};
use crate::mappings::Mappings;
use crate::options::Recursion;
use crate::plan::{BindSource, IdMap, Plan, Step};
use kernel::mount::{Change, Propagation};
use kernel::namespace::Kind;
use overlay::Layers;
use rustix::fs::{CWD, Mode, OFlags};
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
    /// A detached mount for a mount namespace of somebody else's, and its place there.
    Shared {
        /// The mount.
        mount: OwnedFd,
        /// An existing directory.
        place: std::path::PathBuf,
    },
    /// An overlay for which only mount(2) will do.
    Overlay(overlay::OwnedLayers),
}

impl Root {
    /// What the child must keep open for it.
    pub(crate) fn descriptors(&self) -> &[OwnedFd] {
        match self {
            Root::Mounted(mount) | Root::Shared { mount, .. } => std::slice::from_ref(mount),
            Root::Overlay(_) => &[],
        }
    }
}

fn host_error(step: StepKind, path: &Path, errno: Errno) -> LaunchError {
    LaunchError::Host { step, object: path.display().to_string(), source: Cause(errno) }
}

impl Sources {
    /// Opens everything that the child needs from the beginning.
    pub(crate) fn open(plan: &Plan, rootfs: &Rootfs) -> Result<Self, LaunchError> {
        let namespaces = plan
            .namespace_paths
            .iter()
            .map(|(kind, path)| Ok((*kind, open_namespace(*kind, path)?)))
            .collect::<Result<_, LaunchError>>()?;
        let root = match (open_root(rootfs)?, rootfs) {
            (Root::Mounted(mount), Rootfs::Dir { path }) if plan.shares_mounts => {
                Root::Shared { mount, place: path.clone() }
            }
            _ if plan.shares_mounts => {
                return Err(LaunchError::Invalid {
                    field: "linux.namespaces",
                    value: "mount".to_owned(),
                    problem: "must be new for a root file system that is no directory",
                });
            }
            (root, _) => root,
        };
        Ok(Sources { root, namespaces, proc: open_proc(&plan.steps)? })
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

/// Bind sources for a child that is about to mount them: detached clones of their mounts, mapped where that is asked
/// for. `joined_user` is the user namespace that the container joins.
pub(crate) fn open_binds(
    binds: &[BindSource],
    joined_user: Option<BorrowedFd<'_>>,
) -> Result<Vec<OwnedFd>, LaunchError> {
    let mut made: Vec<(&Mappings, OwnedFd)> = Vec::new();
    let mut trees = Vec::with_capacity(binds.len());
    for bind in binds {
        let fail = |errno| host_error(StepKind::Mount, &bind.path, errno);
        let tree = clone_tree(&bind.path, bind.recursion).map_err(fail)?;
        match &bind.idmap {
            None => {}
            Some((IdMap::Joined, recursion)) => {
                let user = joined_user.ok_or_else(|| fail(Errno::BADF))?;
                map_owners(&bind.path, tree.as_fd(), user, *recursion)?;
            }
            Some((IdMap::Listed(mappings), recursion)) => {
                // One namespace serves all mounts of the same mappings.
                let known = made.iter().position(|(listed, _)| *listed == mappings);
                let index = known.unwrap_or(made.len());
                if known.is_none() {
                    made.push((mappings, crate::mappings::namespace_for_mount(mappings)?));
                }
                map_owners(&bind.path, tree.as_fd(), made[index].1.as_fd(), *recursion)?;
            }
        }
        trees.push(tree);
    }
    Ok(trees)
}

/// Shows the owners in a mount through the mapping of a user namespace (mount_setattr(2), "ID-mapped mounts").
fn map_owners(
    path: &Path,
    tree: BorrowedFd<'_>,
    user: BorrowedFd<'_>,
    recursion: Recursion,
) -> Result<(), LaunchError> {
    let change = Change { set: MountAttrFlags::MOUNT_ATTR_IDMAP, idmap: Some(user), ..Change::default() };
    kernel::mount::set_attributes(tree, &change, recursion == Recursion::All).map_err(|errno| {
        let object = match errno {
            Errno::INVAL => format!("{} (its file system cannot map owners)", path.display()),
            _ => format!("{} (idmap)", path.display()),
        };
        LaunchError::Host { step: StepKind::Mount, object, source: Cause(errno) }
    })
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
