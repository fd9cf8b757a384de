//! Keeping the runtime's program out of the containers' reach.
//!
//! Until a child executes its program it runs ours, and a container can make it execute ours again (a program or
//! `#!` line that names `/proc/self/exe`). Whoever then opens `/proc/PID/exe` from inside holds the file on the host,
//! and root inside could overwrite it (CVE-2019-5736). So every process that launches runs from a detached read-only
//! mount of its own file, which nobody can make writable, or from a sealed copy in memory where mounting is
//! not allowed. `main` calls [`protect`] before anything else.

use crate::error::Cause;
use crate::options::Recursion;
use crate::sources::clone_tree;
use kernel::mount::Change;
use kernel::process::Program;
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, SealFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

const SELF: &str = "/proc/self/exe";
const SEALS: SealFlags =
    SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);

/// Why the program could not be protected.
#[derive(Debug, thiserror::Error)]
#[error("protect the runtime's program from containers: {step}")]
pub struct SealError {
    /// What was being done.
    pub step: &'static str,
    /// Why it failed.
    #[source]
    pub source: Cause,
}

fn error(step: &'static str) -> impl Fn(Errno) -> SealError {
    move |errno| SealError { step, source: Cause(errno) }
}

/// Makes sure that the calling process runs from a file that nobody can write to: returns if it does, and executes
/// itself again with the same arguments and environment if it does not. One system call in the first case; in the
/// second, everything the process had is gone but its inherited descriptors.
///
/// # Errors
/// [`SealError`] when neither a read-only mount nor a sealed copy can be made or executed.
pub fn protect() -> Result<(), SealError> {
    if is_protected() || !crate::guard::protects_program() {
        return Ok(());
    }
    let file = match open_read_only(Path::new(SELF)) {
        Ok(file) => file,
        Err(Errno::PERM | Errno::NOSYS | Errno::INVAL) => sealed_copy()?,
        Err(errno) => return Err(error("clone its mount")(errno)),
    };
    let arguments = std::env::args_os().filter_map(|word| CString::new(word.into_vec()).ok()).collect();
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| CString::new([name.into_vec(), value.into_vec()].join(&b'=')).ok());
    let program = Program::new(CString::default(), arguments, environment.collect());
    Err(error("execute it")(program.execute_file(file.as_fd())))
}

/// Whether the calling process runs from a read-only mount or a sealed file.
#[must_use]
pub fn is_protected() -> bool {
    if rustix::fs::statvfs(SELF).is_ok_and(|file| file.f_flag.contains(StatVfsMountFlags::RDONLY)) {
        return true;
    }
    // Only files in memory can have seals; all others answer with an error.
    rustix::fs::openat(CWD, SELF, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(rustix::fs::fcntl_get_seals)
        .is_ok_and(|seals| seals.contains(SEALS))
}

/// Opens a file through a read-only mount of its own that is attached nowhere. Whoever executes it by this
/// descriptor ([`Program::execute_file`]) saves it from having to do so itself in [`protect`].
///
/// # Errors
/// Whatever open_tree(2) and mount_setattr(2) report; `PERM` without the right to mount.
pub fn open_read_only(path: &Path) -> rustix::io::Result<OwnedFd> {
    let file = clone_tree(path, Recursion::One)?;
    let change = Change { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..Change::default() };
    kernel::mount::set_attributes(file.as_fd(), &change, false)?;
    Ok(file)
}

fn sealed_copy() -> Result<OwnedFd, SealError> {
    let own = rustix::fs::openat(CWD, SELF, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(error("open it"))?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let copy = rustix::fs::memfd_create("sampan-runtime", flags | MemfdFlags::EXEC)
        // Kernels before 6.3 do not know the flag, and make every such file executable.
        .or_else(|_| rustix::fs::memfd_create("sampan-runtime", flags))
        .map_err(error("make a copy in memory"))?;
    let mut left = rustix::fs::fstat(&own).map_err(error("copy it"))?.st_size as usize;
    while left > 0 {
        match rustix::fs::sendfile(&copy, &own, None, left) {
            Ok(0) => return Err(error("copy it")(Errno::IO)),
            Ok(count) => left = left.saturating_sub(count),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(error("copy it")(errno)),
        }
    }
    rustix::fs::fcntl_add_seals(&copy, SEALS).map_err(error("seal the copy"))?;
    Ok(copy)
}
