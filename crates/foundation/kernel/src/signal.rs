//! Signal masks, dispositions and signalfd(2).
//!
//! The monitor blocks every signal and reads them from a descriptor; the child of a launch gives its program an
//! empty mask and the default dispositions, whatever its parent had (signal(7): both survive execve(2), ignored
//! signals as ignored).

use crate::process::check;
use rustix::io::Errno;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// The highest signal number, `_NSIG`.
pub const NUMBER_MAX: i32 = 64;
/// Bytes of a `sigset_t` in the kernel.
const SET_BYTES: usize = 8;

/// A set of signals, as the kernel has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Set(u64);

impl Set {
    /// No signal.
    pub const NONE: Set = Set(0);
    /// Every signal.
    pub const ALL: Set = Set(!0);

    /// This set with signal `number` (1 to 64); other numbers change nothing.
    #[must_use]
    pub const fn with(self, number: i32) -> Set {
        if number >= 1 && number <= NUMBER_MAX { Set(self.0 | 1 << (number - 1)) } else { self }
    }

    /// Whether signal `number` is in it.
    #[must_use]
    pub const fn contains(self, number: i32) -> bool {
        number >= 1 && number <= NUMBER_MAX && self.0 & (1 << (number - 1)) != 0
    }
}

/// Replaces the calling thread's mask of blocked signals and returns the former one. Unlike the C libraries' own
/// functions this reaches the signals that they keep for themselves.
///
/// # Errors
/// Whatever rt_sigprocmask(2) reports.
pub fn set_mask(blocked: Set) -> rustix::io::Result<Set> {
    let mut before = 0u64;
    // SAFETY: both pointers are to 8 bytes, the size that is passed, and outlive the call.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const blocked.0,
            &raw mut before,
            SET_BYTES,
        )
    };
    check(answer).map(|_| Set(before))
}

/// Gives every signal its default disposition, ignored ones included. Meant for the moment before execve(2): the
/// handlers that are lost are lost then anyway.
pub fn reset_dispositions() {
    // `struct sigaction` of the kernel with `SIG_DFL`, no flags and an empty mask is all zeroes on every architecture.
    let default = [0u64; 4];
    for number in 1..=NUMBER_MAX {
        // SAFETY: the structure is valid, at least as long as the kernel's, and outlives the call. KILL and STOP are
        // refused with EINVAL, which changes nothing.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                number,
                default.as_ptr(),
                std::ptr::null::<u64>(),
                SET_BYTES,
            )
        };
    }
}

/// Opens a descriptor from which the signals of `set` are read; they should be blocked. Non-blocking, closed on exec.
///
/// # Errors
/// Whatever signalfd4(2) reports.
pub fn open(set: Set) -> rustix::io::Result<OwnedFd> {
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: the pointer is to 8 bytes, the size that is passed, and outlives the call.
    let fd = check(unsafe { libc::syscall(libc::SYS_signalfd4, -1, &raw const set.0, SET_BYTES, flags) })?;
    // SAFETY: signalfd4 succeeded, so this is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// One signal that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Its number.
    pub number: i32,
    /// Who sent it, in the reader's pid namespace; 0 for the kernel.
    pub sender: i32,
    /// The sender's user id.
    pub user: u32,
}

/// Takes the next signal from a descriptor of [`open`]; `None` when none is waiting.
///
/// # Errors
/// Whatever read(2) reports.
pub fn read(signals: BorrowedFd<'_>) -> rustix::io::Result<Option<Arrived>> {
    // SAFETY: plain integers, for which all zeroes is a valid value.
    let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the buffer is as long as is said and outlives the call; any bytes are a valid value of its type.
    let length = unsafe { libc::read(signals.as_raw_fd(), (&raw mut info).cast(), size) };
    match check(length as libc::c_long) {
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(other) => Err(other),
        Ok(length) if length as usize == size => Ok(Some(Arrived {
            number: info.ssi_signo as i32,
            sender: info.ssi_pid as i32,
            user: info.ssi_uid,
        })),
        Ok(_) => Err(Errno::IO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn sets_count_from_one() {
        assert!(Set::NONE.with(1).contains(1));
        assert!(Set::NONE.with(64).contains(64));
        assert_eq!(Set::NONE.with(0).with(65), Set::NONE);
        assert!(Set::ALL.contains(33));
    }

    #[test]
    fn a_blocked_signal_is_read_from_the_descriptor() {
        let before = set_mask(Set::ALL).unwrap();
        let signals = open(Set::NONE.with(libc::SIGUSR1)).unwrap();
        assert_eq!(read(signals.as_fd()).unwrap(), None);
        // SAFETY: sends a blocked signal to the calling thread alone.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), libc::SIGUSR1) };
        let arrived = read(signals.as_fd()).unwrap().unwrap();
        assert_eq!((arrived.number, arrived.sender), (libc::SIGUSR1, std::process::id() as i32));
        let blocked = set_mask(before).unwrap();
        assert!(blocked.contains(libc::SIGUSR1) && !blocked.contains(libc::SIGKILL));
    }
}
