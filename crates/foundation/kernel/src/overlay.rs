//! Layers of an overlay as options of a file system context (fsconfig(2), the kernel's `overlayfs.rst`).
//!
//! Before Linux 6.8 a context takes any option and refuses all of them when it is created, so what is known is asked by
//! version. It then also takes 255 bytes for all layers: their names are made short.

use crate::switches;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::mount::{fsconfig_create, fsconfig_set_string};

/// What fsconfig(2) takes as a value, without its final zero.
pub const VALUE_BYTES_MAX: usize = 255;

/// Whether each layer may be an option of its own, in this kernel.
#[must_use]
pub fn takes_layers_one_by_one() -> bool {
    switches::kernel_is_at_least(6, 8) && !switches::is_disabled("overlay-lowerdir-plus")
}

/// The name of an open file, of any process that asks for itself.
#[must_use]
pub fn descriptor_path(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Gives `lowers` (topmost first) to an overlay's context and creates the file system.
///
/// # Errors
/// Whatever fsconfig(2) reports; `NAMETOOLONG` for more layers than an old kernel takes (some sixty).
pub fn create(context: BorrowedFd<'_>, lowers: &[OwnedFd]) -> rustix::io::Result<()> {
    if takes_layers_one_by_one() {
        for lower in lowers {
            fsconfig_set_string(context, "lowerdir+", descriptor_path(lower.as_fd()))?;
        }
        return fsconfig_create(context);
    }
    let joined = |name: &dyn Fn(&OwnedFd) -> String| lowers.iter().map(name).collect::<Vec<_>>().join(":");
    let whole = joined(&|fd| descriptor_path(fd.as_fd()));
    if whole.len() <= VALUE_BYTES_MAX {
        fsconfig_set_string(context, "lowerdir", whole)?;
        return fsconfig_create(context);
    }
    let short = joined(&|fd| fd.as_raw_fd().to_string());
    if short.len() > VALUE_BYTES_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    create_among_descriptors(context, &short)
}

/// The same by names relative to the directory of our descriptors, in a thread whose working directory that is.
fn create_among_descriptors(context: BorrowedFd<'_>, lowers: &str) -> rustix::io::Result<()> {
    let create = || {
        // SAFETY: only what this thread has in common with others as to its working directory is ended, and it returns
        // nothing but a result.
        unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::FS)? };
        rustix::process::chdir("/proc/self/fd")?;
        fsconfig_set_string(context, "lowerdir", lowers)?;
        fsconfig_create(context)
    };
    std::thread::scope(|scope| scope.spawn(create).join().unwrap_or(Err(Errno::AGAIN)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags};
    use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsmount, fsopen};
    use std::path::Path;

    #[test]
    fn forty_layers_fit_a_kernel_that_wants_them_at_once() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let place = std::env::temp_dir().join(format!("sampan-overlay-{}", std::process::id()));
        let lowers: Vec<OwnedFd> = (0..40)
            .map(|number| {
                let layer = place.join(number.to_string());
                std::fs::create_dir_all(&layer).unwrap();
                std::fs::write(layer.join(format!("file-{number}")), "").unwrap();
                rustix::fs::open(&layer, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
            })
            .collect();
        let names: Vec<String> = lowers.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).unwrap();
        create_among_descriptors(context.as_fd(), &names.join(":")).unwrap();
        let mount = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).unwrap();
        let seen = std::fs::read_dir(Path::new(&descriptor_path(mount.as_fd()))).unwrap().count();
        drop(mount);
        std::fs::remove_dir_all(&place).unwrap();
        assert_eq!(seen, 40);
    }
}
