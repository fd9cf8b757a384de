//! The `/dev/shm` that containers share.
//!
//! It is mounted on the host, in the directory that its owner has below the exec root, so that others can bind it; a
//! private container mounts its own inside. Who is killed leaves the mount behind: it is always at the same place, and
//! [`release`] takes it away from there.

use crate::layout::exec;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use std::ffi::CString;
use std::path::Path;

/// Mounts an empty one of `size` bytes below the container's directory, in place of what a dead monitor left.
pub(crate) fn make(directory: &Path, size: u64) -> rustix::io::Result<()> {
    release(directory)?;
    let place = directory.join(exec::SHM);
    rustix::fs::mkdir(&place, Mode::RWXU)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let options = CString::new(format!("mode=1777,size={size}")).map_err(|_| Errno::INVAL)?;
    rustix::mount::mount("shm", &place, "tmpfs", flags, Some(options.as_c_str()))
}

/// Whether a file system is mounted there, seen from here.
pub(crate) fn is_mounted(place: &Path) -> bool {
    let device = |path: &Path| rustix::fs::lstat(path).map(|found| found.st_dev);
    let parent = place.parent().map(device);
    matches!((device(place), parent), (Ok(own), Some(Ok(above))) if own != above)
}

/// Takes it away, if there is one; containers that have it keep it until they end.
///
/// # Errors
/// When it cannot be unmounted.
pub fn release(directory: &Path) -> rustix::io::Result<()> {
    let place = directory.join(exec::SHM);
    loop {
        match rustix::mount::unmount(&place, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(()),
            // Nothing is mounted there any more.
            Err(Errno::INVAL) => break,
            Err(other) => return Err(other),
        }
    }
    match rustix::fs::rmdir(&place) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(other) => Err(other),
    }
}
