//! The root file system of a container that does not run, or of an image, mounted where only we see it.
//!
//! An overlay is mounted detached (fsopen(2), fsmount(2)) and reached by its descriptor. With binds and volumes upon
//! it, it needs a mount namespace, which is made in a thread of its own and held by a descriptor; all of it goes with
//! the descriptors.

use crate::documents::FileError;
use crate::plan::INIT_INSIDE;
use kernel::mount::{Change, Propagation};
use kernel::namespace::{self, Kind, Kinds};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};
use spec::rootfs::Rootfs;
use spec::runtime::{Mount, Spec};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A root directory, and what keeps the mounts below it.
#[derive(Debug)]
pub(super) struct RootView {
    /// The root.
    pub(super) root: OwnedFd,
    _namespace: Option<OwnedFd>,
}

/// The image below a new container's root file system, read-only; `None` where it is not made of directories.
pub(super) fn image(rootfs: &Rootfs) -> io::Result<Option<OwnedFd>> {
    match rootfs {
        Rootfs::Dir { path } => open(path).map(Some),
        // overlayfs wants two layers where it cannot write; one is its own view.
        Rootfs::Overlay { lowers, .. } if lowers.len() == 1 => open(&lowers[0]).map(Some),
        Rootfs::Overlay { lowers, userxattr, .. } => {
            let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY | HARMLESS;
            overlay(lowers, None, *userxattr, attributes).map(Some)
        }
        Rootfs::Erofs { .. } | Rootfs::Block { .. } => Ok(None),
    }
}

/// The root file system of a container that does not run, and nothing upon it. The caller keeps others from starting
/// it meanwhile.
pub(super) fn bare(rootfs: &Rootfs) -> Result<RootView, FileError> {
    let failed = |source| FileError { action: "mount", path: "the container's file system".into(), source };
    let root = match rootfs {
        Rootfs::Overlay { lowers, upper: Some(upper), work: Some(work), userxattr } => {
            overlay(lowers, Some((upper, work)), *userxattr, HARMLESS).map_err(failed)?
        }
        other => {
            let unsupported = || failed(io::ErrorKind::Unsupported.into());
            image(other).map_err(failed)?.ok_or_else(unsupported)?
        }
    };
    Ok(RootView { root, _namespace: None })
}

/// The same with binds and volumes in their places; `anchor` is a directory of the container's, over which we alone see
/// its root.
pub(super) fn container(rootfs: &Rootfs, spec: &Spec, anchor: &Path) -> Result<RootView, FileError> {
    let RootView { root, .. } = bare(rootfs)?;
    let binds: Vec<&Mount> = spec.mounts.iter().filter(|mount| is_shown(mount)).collect();
    let readonly = spec.root.as_ref().is_some_and(|root| root.readonly);
    // Unsharing a mount namespace moves a thread, not the process (unshare(2)); this one ends at once.
    let assembled = std::thread::scope(|scope| {
        scope.spawn(|| assemble(&root, &binds, readonly, anchor)).join().unwrap_or_else(|_| {
            Err(FileError::of("mount", anchor)(io::Error::other("the thread that mounts ended early")))
        })
    });
    Ok(RootView { root, _namespace: Some(assembled?) })
}

/// Kernel file systems show nothing without processes; an init of ours is none of the container's files.
fn is_shown(mount: &Mount) -> bool {
    mount.kind == "bind" && mount.destination != Path::new(INIT_INSIDE)
}

/// Puts the root and everything upon it into a new mount namespace, and returns that.
fn assemble(root: &OwnedFd, binds: &[&Mount], readonly: bool, anchor: &Path) -> Result<OwnedFd, FileError> {
    let failed = |action, path: &Path| FileError::of_errno(action, path);
    namespace::unshare(Kinds::NONE.with(Kind::Mount))
        .map_err(failed("make a mount namespace for", anchor))?;
    let slave = Change { propagation: Some(Propagation::Slave), ..Change::default() };
    open(Path::new("/"))
        .and_then(|top| Ok(kernel::mount::set_attributes(top.as_fd(), &slave, true)?))
        .map_err(FileError::of("keep mounts to ourselves at", Path::new("/")))?;
    // Sources first: some are below the anchor, which the root will cover.
    let trees: Vec<Tree<'_>> = binds.iter().map(|bind| Tree::clone_of(bind)).collect::<Result<_, _>>()?;
    let place = kernel::path::open_root(anchor).map_err(failed("open", anchor))?;
    attach(root.as_fd(), place.as_fd()).map_err(failed("mount over", anchor))?;
    trees.iter().try_for_each(|tree| tree.attach(root))?;
    if readonly {
        let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
        kernel::mount::set_attributes(root.as_fd(), &change, false).map_err(failed("protect", anchor))?;
    }
    namespace::open_own(Kind::Mount).map_err(failed("hold the mount namespace of", anchor))
}

fn attach(mount: BorrowedFd<'_>, place: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, "", place, "", flags)
}

/// A bind's source as a mount of its own, not yet in its place.
struct Tree<'a> {
    mount: OwnedFd,
    is_directory: bool,
    destination: &'a Path,
}

impl<'a> Tree<'a> {
    fn clone_of(bind: &'a Mount) -> Result<Self, FileError> {
        let source = bind.source.as_deref().unwrap_or(Path::new(""));
        let says = |option: &str| bind.options.iter().any(|said| said == option);
        let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        if says("rbind") {
            flags |= OpenTreeFlags::AT_RECURSIVE;
        }
        let failed = || FileError::of_errno("mount", source);
        let mount = open_tree(CWD, source, flags).map_err(failed())?;
        if says("ro") || says("rro") {
            let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
            kernel::mount::set_attributes(mount.as_fd(), &change, says("rro")).map_err(failed())?;
        }
        let stat = rustix::fs::fstat(&mount).map_err(failed())?;
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        Ok(Self { mount, is_directory, destination: &bind.destination })
    }

    fn attach(&self, root: &OwnedFd) -> Result<(), FileError> {
        place_for(root.as_fd(), self.destination, self.is_directory)
            .and_then(|place| attach(self.mount.as_fd(), place.as_fd()))
            .map_err(FileError::of_errno("mount", self.destination))
    }
}

/// Where something is mounted, made as the start of the container would make it.
fn place_for(root: BorrowedFd<'_>, path: &Path, is_directory: bool) -> rustix::io::Result<OwnedFd> {
    let mode = Mode::from_raw_mode(0o755);
    if is_directory {
        return kernel::path::mkdir_all_in_root(root, path, mode);
    }
    match kernel::path::open_in_root(root, path, OFlags::PATH, Mode::empty()) {
        Err(Errno::NOENT) => {}
        done => return done,
    }
    let (parent, name) = kernel::path::mkdir_parents_in_root(root, path, mode)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    drop(rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644))?);
    rustix::fs::openat(&parent, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// Nobody executes anything in what we look at.
const HARMLESS: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NODEV
    .union(MountAttrFlags::MOUNT_ATTR_NOSUID)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(kernel::path::open_root(path)?)
}

/// Mounts layers, topmost first, detached; writable with an upper and a work directory.
fn overlay(
    lowers: &[PathBuf],
    writable: Option<(&PathBuf, &PathBuf)>,
    user: bool,
    attributes: MountAttrFlags,
) -> io::Result<OwnedFd> {
    let opened: Vec<OwnedFd> = lowers.iter().map(|path| open(path)).collect::<io::Result<_>>()?;
    // Short names, since fsconfig(2) takes 256 bytes at the most.
    let name = |fd: &OwnedFd| kernel::overlay::descriptor_path(fd.as_fd());
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let directories =
        writable.map(|(upper, work)| Ok::<_, io::Error>((open(upper)?, open(work)?))).transpose()?;
    if let Some((upper, work)) = &directories {
        fsconfig_set_string(&context, "upperdir", name(upper))?;
        fsconfig_set_string(&context, "workdir", name(work))?;
    }
    if user {
        fsconfig_set_flag(&context, "userxattr")?;
    }
    kernel::overlay::create(context.as_fd(), &opened)?;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::{CopyOptions, copy_tree};
    use std::fs;

    fn is_root() -> bool {
        let root = rustix::process::geteuid().is_root();
        if !root {
            eprintln!("skipped: needs root");
        }
        root
    }

    fn layers(root: &Path) -> Vec<PathBuf> {
        let lowers = vec![root.join("one"), root.join("two")];
        for lower in &lowers {
            fs::create_dir_all(lower.join("data")).unwrap();
        }
        fs::write(lowers[0].join("data/a"), "top").unwrap();
        fs::write(lowers[1].join("data/a"), "bottom").unwrap();
        fs::write(lowers[1].join("data/b"), "bottom").unwrap();
        lowers
    }

    #[test]
    fn two_layers_are_seen_as_one() {
        let root = tempfile::tempdir().unwrap();
        let rootfs =
            Rootfs::Overlay { lowers: layers(root.path()), upper: None, work: None, userxattr: false };
        if !is_root() {
            return;
        }
        let view = image(&rootfs).unwrap().unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let from =
            kernel::path::open_in_root(view.as_fd(), Path::new("/data"), flags, Mode::empty()).unwrap();
        let to = root.path().join("volume");
        fs::create_dir(&to).unwrap();
        copy_tree(from.as_fd(), fs::File::open(&to).unwrap().as_fd(), CopyOptions::default()).unwrap();
        let read = |name: &str| fs::read_to_string(to.join(name)).unwrap();
        assert_eq!((read("a").as_str(), read("b").as_str()), ("top", "bottom"));
    }

    #[test]
    fn binds_are_in_their_places_and_nobody_else_sees_them() {
        if !is_root() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for name in ["upper", "work", "volume", "anchor"] {
            fs::create_dir(path(name)).unwrap();
        }
        let rootfs = Rootfs::Overlay {
            lowers: layers(root.path()),
            upper: Some(path("upper")),
            work: Some(path("work")),
            userxattr: false,
        };
        let bind = Mount {
            destination: "/made/here".into(),
            kind: "bind".into(),
            source: Some(path("volume")),
            options: vec!["rbind".into(), "rw".into()],
            ..Mount::default()
        };
        let view =
            container(&rootfs, &Spec { mounts: vec![bind], ..Spec::default() }, &path("anchor")).unwrap();
        let make = |name: &str| {
            let flags = OFlags::WRONLY | OFlags::CREATE;
            kernel::path::open_in_root(view.root.as_fd(), Path::new(name), flags, Mode::RUSR).map(drop)
        };
        make("/made/here/inside").unwrap();
        make("/data/c").unwrap();
        assert!(path("volume/inside").exists() && path("upper/data/c").exists());
        assert!(!path("upper/made/here/inside").exists());
        assert_eq!(fs::read_dir(path("anchor")).unwrap().count(), 0);
    }
}
