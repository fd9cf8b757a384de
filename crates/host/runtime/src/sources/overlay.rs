//! overlayfs as a detached mount (Documentation/filesystems/overlayfs.rst).

use crate::error::{Cause, LaunchError, StepKind};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen,
};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Mounts the layers, topmost first, below the writable one if there is one.
pub(super) fn mount(
    lowers: &[PathBuf],
    upper: Option<&Path>,
    work: Option<&Path>,
    userxattr: bool,
) -> Result<OwnedFd, LaunchError> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(|errno| error("overlay", errno))?;
    let fail = |errno| {
        let messages = kernel::mount::context_messages(context.as_fd());
        error(if messages.is_empty() { "overlay" } else { &messages }, errno)
    };
    configure(context.as_fd(), lowers, upper, work, userxattr).map_err(fail)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(fail)
}

fn error(object: &str, errno: Errno) -> LaunchError {
    LaunchError::Host { step: StepKind::RootFilesystem, object: object.to_owned(), source: Cause(errno) }
}

fn configure(
    context: std::os::fd::BorrowedFd<'_>,
    lowers: &[PathBuf],
    upper: Option<&Path>,
    work: Option<&Path>,
    userxattr: bool,
) -> Result<(), Errno> {
    fsconfig_set_string(context, "source", "overlay")?;
    for lower in lowers {
        // Appends one layer (Linux 6.5).
        fsconfig_set_string(context, "lowerdir+", lower.as_path())?;
    }
    if let (Some(upper), Some(work)) = (upper, work) {
        fsconfig_set_string(context, "upperdir", upper)?;
        fsconfig_set_string(context, "workdir", work)?;
    }
    if userxattr {
        fsconfig_set_flag(context, "userxattr")?;
    }
    fsconfig_create(context)
}
