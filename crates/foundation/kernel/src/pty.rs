//! Pseudo-terminals (pty(7)) of a chosen devpts instance.
//!
//! A container's terminal is made in the container's own `/dev/pts`, so that `ttyname` works inside; both ends are
//! reached by descriptor, because every path below the container's root is the container's to change.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::OpenptFlags;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// `DEVPTS_SUPER_MAGIC` of linux/magic.h.
const DEVPTS_MAGIC: i64 = 0x1cd1;
/// The device number of `/dev/ptmx` and of `ptmx` in every devpts (Documentation/admin-guide/devices.txt).
const PTMX: (u32, u32) = (5, 2);

/// Both ends of a terminal, closed on exec; neither became a controlling terminal.
#[derive(Debug)]
pub struct Pair {
    /// The end that the monitor holds.
    pub master: OwnedFd,
    /// The end that the program has as standard streams.
    pub slave: OwnedFd,
}

/// Opens a new terminal in the devpts whose root directory is `devpts`.
///
/// # Errors
/// `NODEV` when the directory is no devpts or its `ptmx` is not the device it should be, else whatever open(2) or
/// ioctl_tty(2) report; `NOSPC` when the instance's `max` is reached.
pub fn open_in(devpts: BorrowedFd<'_>) -> rustix::io::Result<Pair> {
    if rustix::fs::fstatfs(devpts)?.f_type != DEVPTS_MAGIC {
        return Err(Errno::NODEV);
    }
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let master = rustix::fs::openat(devpts, "ptmx", flags, Mode::empty())?;
    let device = rustix::fs::fstat(&master)?.st_rdev;
    if (rustix::fs::major(device), rustix::fs::minor(device)) != PTMX {
        return Err(Errno::NODEV);
    }
    rustix::pty::unlockpt(&master)?;
    let peer = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave = rustix::pty::ioctl_tiocgptpeer(master.as_fd(), peer)?;
    Ok(Pair { master, slave })
}

/// Sets a terminal's size in characters; either end will do. The foreground job gets `SIGWINCH`.
///
/// # Errors
/// Whatever ioctl_tty(2) reports.
pub fn set_size(terminal: BorrowedFd<'_>, rows: u16, columns: u16) -> rustix::io::Result<()> {
    let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(terminal, size)
}

/// Makes `slave` the controlling terminal of the calling process, which must lead a session without one.
///
/// # Errors
/// Whatever ioctl_tty(2) reports; `PERM` when the session has one or the terminal belongs to another session.
pub fn set_controlling(slave: BorrowedFd<'_>) -> rustix::io::Result<()> {
    rustix::process::ioctl_tiocsctty(slave)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_talks_and_keeps_its_size() {
        let Ok(devpts) = rustix::fs::open("/dev/pts", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) else {
            return;
        };
        let pair = match open_in(devpts.as_fd()) {
            Ok(pair) => pair,
            // Some hosts keep `ptmx` of the host's devpts closed (mode 000) to all but root.
            Err(Errno::ACCESS) => return,
            Err(other) => panic!("{other}"),
        };
        set_size(pair.master.as_fd(), 30, 100).unwrap();
        let size = rustix::termios::tcgetwinsize(&pair.slave).unwrap();
        assert_eq!((size.ws_row, size.ws_col), (30, 100));
        rustix::io::write(&pair.slave, b"x").unwrap();
        assert_eq!(rustix::io::read(&pair.master, &mut [0u8; 4]).unwrap(), 1);
    }

    #[test]
    fn another_file_system_is_refused() {
        let directory = rustix::fs::open("/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        assert_eq!(open_in(directory.as_fd()).unwrap_err(), Errno::NODEV);
    }
}
