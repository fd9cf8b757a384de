//! Open-file-description locks (fcntl(2), `F_OFD_SETLK`, `F_OFD_GETLK`).
//!
//! The lock belongs to the open description, not to the process: it can be handed to another process as a
//! descriptor with no moment in which nobody holds it, and it ends when the last copy is closed, however its
//! holders died. Observers ask with [`is_locked`], which never takes the lock, not even for a moment.

use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

fn whole_file(kind: libc::c_int) -> libc::flock {
    // SAFETY: `flock` is plain integers, for which all zeroes is a valid value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}

fn fcntl(fd: BorrowedFd<'_>, command: libc::c_int, lock: &mut libc::flock) -> rustix::io::Result<()> {
    // SAFETY: the descriptor is borrowed and so open; all three commands read and write only `*lock`.
    let answer = unsafe { libc::fcntl(fd.as_raw_fd(), command, std::ptr::from_mut(lock)) };
    if answer == 0 { Ok(()) } else { Err(last_errno()) }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Takes the exclusive lock if it is free; `false` when another description holds it.
///
/// # Errors
/// Whatever fcntl(2) reports besides contention. The file must be open for writing.
pub fn try_exclusive(file: &File) -> rustix::io::Result<bool> {
    use std::os::fd::AsFd;
    match fcntl(file.as_fd(), libc::F_OFD_SETLK, &mut whole_file(libc::F_WRLCK)) {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Waits until the exclusive lock is ours.
///
/// # Errors
/// Whatever fcntl(2) reports; interruptions by signals are retried.
pub fn exclusive(file: &File) -> rustix::io::Result<()> {
    use std::os::fd::AsFd;
    loop {
        match fcntl(file.as_fd(), libc::F_OFD_SETLKW, &mut whole_file(libc::F_WRLCK)) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// Whether any other open description holds the lock.
///
/// # Errors
/// Whatever fcntl(2) reports.
pub fn is_locked(file: &File) -> rustix::io::Result<bool> {
    use std::os::fd::AsFd;
    let mut lock = whole_file(libc::F_WRLCK);
    fcntl(file.as_fd(), libc::F_OFD_GETLK, &mut lock)?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &std::path::Path) -> File {
        File::options().create(true).truncate(false).read(true).write(true).open(path).unwrap()
    }

    #[test]
    fn a_copy_of_the_descriptor_keeps_the_lock() {
        let path = std::env::temp_dir().join(format!("sampan-lock-{}", std::process::id()));
        let (holder, observer) = (open(&path), open(&path));
        assert!(!is_locked(&observer).unwrap());
        assert!(try_exclusive(&holder).unwrap());
        let handed_over = holder.try_clone().unwrap();
        drop(holder);
        assert!(is_locked(&observer).unwrap());
        assert!(!try_exclusive(&observer).unwrap());
        drop(handed_over);
        assert!(try_exclusive(&observer).unwrap());
        std::fs::remove_file(path).unwrap();
    }
}
