//! The terminal of a process, made in the container's own devpts.

use super::{Fault, Outcome, mounts};
use crate::guard;
use kernel::{path, pty};
use rustix::fs::{CWD, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Makes a terminal, makes it the controlling one and the three standard streams, and returns its other end. With
/// `console`, the container's root, it is bound on `/dev/console` there.
pub(super) fn make(
    root: Option<BorrowedFd<'_>>,
    size: Option<(u16, u16)>,
    uid: u32,
    console: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd, Fault> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let devpts = match root {
        Some(root) => path::open_in_root_no_symlinks(root, Path::new("/dev/pts"), flags, Mode::empty()),
        None => rustix::fs::openat(CWD, "/", flags, Mode::empty()).and_then(|root| {
            path::open_in_root_no_symlinks(root.as_fd(), Path::new("/dev/pts"), flags, Mode::empty())
        }),
    };
    let explain =
        |errno| Fault { errno, detail: "the container needs a devpts mount at /dev/pts".to_owned() };
    let pair = pty::open_in(devpts.map_err(explain)?.as_fd()).map_err(explain)?;
    if let Some((rows, columns)) = size {
        pty::set_size(pair.master.as_fd(), rows, columns)?;
    }
    rustix::fs::fchown(&pair.slave, Some(Uid::from_raw(uid)), None)?;
    if let Some(root) = console {
        bind_console(pair.slave.as_fd(), root)?;
    }
    pty::set_controlling(pair.slave.as_fd())?;
    rustix::stdio::dup2_stdin(&pair.slave)?;
    rustix::stdio::dup2_stdout(&pair.slave)?;
    rustix::stdio::dup2_stderr(&pair.slave)?;
    Ok(pair.master)
}

/// Both sides of the bind are descriptors: neither `/dev/console` nor `/dev/pts/N` is looked up where a link could
/// have come between (CVE-2025-52565).
fn bind_console(slave: BorrowedFd<'_>, root: BorrowedFd<'_>) -> Outcome {
    let place = guard::open_console_place(root).map_err(|errno| match errno {
        Errno::INVAL => Fault { errno, detail: "/dev/console is neither a file nor a device".to_owned() },
        other => other.into(),
    })?;
    mounts::attach(guard::clone_terminal(slave, root)?.as_fd(), place.as_fd())
}
