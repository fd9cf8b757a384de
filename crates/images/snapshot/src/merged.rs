//! An overlay that only we see: mounted nowhere, reached by its descriptor (fsopen(2), fsmount(2)).

use crate::SnapshotError;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use std::path::Path;

/// Mounts `lowers` (topmost first) with `upper` and `work`, detached; gone when the descriptor closes.
///
/// The paths are handed over as `/proc/self/fd/N`, since fsconfig(2) takes 256 bytes at most.
pub(crate) fn mount(
    lowers: &[&Path],
    upper: &Path,
    work: &Path,
    user: bool,
) -> Result<OwnedFd, SnapshotError> {
    let failed = |action| {
        move |errno: Errno| SnapshotError::Overlay { action, layers: lowers.len(), source: errno.into() }
    };
    let open = |path: &Path| {
        rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(SnapshotError::errno("open", path))
    };
    let name = |fd: &OwnedFd| kernel::overlay::descriptor_path(fd.as_fd());
    let lowers: Vec<OwnedFd> = lowers.iter().map(|path| open(path)).collect::<Result<_, _>>()?;
    let (upper, work) = (open(upper)?, open(work)?);
    let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed("open"))?;
    let set = |key: &str, value: &str| {
        rustix::mount::fsconfig_set_string(&context, key, value).map_err(failed("describe"))
    };
    set("upperdir", &name(&upper))?;
    set("workdir", &name(&work))?;
    // What ends up in the upper directory must mean the same as part of another stack.
    for option in ["index", "metacopy", "redirect_dir", "xino"] {
        set(option, "off")?;
    }
    if user {
        rustix::mount::fsconfig_set_flag(&context, "userxattr").map_err(failed("describe"))?;
    }
    kernel::overlay::create(context.as_fd(), &lowers).map_err(failed("create"))?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let mount = rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        .map_err(failed("mount"))?;
    // O_PATH descriptors cannot be read; callers list directories.
    rustix::fs::openat(&mount, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(failed("open"))
}
