//! Signals that are forwarded to the container instead of ending us.

use kernel::signal::{self, Set};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// signal(7), x86 and arm numbers: HUP INT QUIT USR1 USR2 ALRM TERM CONT TSTP TTIN TTOU IO PWR. Left alone are those
/// that report our own faults, SIGCHLD, SIGPIPE and SIGURG, as docker does.
const FORWARDED: [i32; 13] = [1, 2, 3, 10, 12, 14, 15, 18, 20, 21, 22, 29, 30];
/// SIGWINCH.
pub(crate) const WINDOW_CHANGED: i32 = 28;

/// While this lives, signals are read from a descriptor; dropped, the mask is as before, and one that is still
/// waiting takes effect.
#[derive(Debug)]
pub(crate) struct Caught {
    descriptor: OwnedFd,
    before: Set,
}

impl Caught {
    /// Blocks the signals: all that can be forwarded if `forward`, and SIGWINCH.
    pub(crate) fn new(forward: bool) -> rustix::io::Result<Self> {
        let window = Set::NONE.with(WINDOW_CHANGED);
        let caught = if forward { FORWARDED.into_iter().fold(window, Set::with) } else { window };
        Self::these(caught)
    }

    /// Blocks these signals.
    pub(crate) fn these(caught: Set) -> rustix::io::Result<Self> {
        let before = signal::set_mask(caught)?;
        match signal::open(caught) {
            Ok(descriptor) => Ok(Self { descriptor, before }),
            Err(error) => {
                signal::set_mask(before)?;
                Err(error)
            }
        }
    }

    /// The next signal, if one is waiting.
    pub(crate) fn next(&self) -> rustix::io::Result<Option<i32>> {
        Ok(signal::read(self.descriptor.as_fd())?.map(|arrived| arrived.number))
    }
}

impl AsFd for Caught {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        // Setting a mask that was in force before cannot fail.
        let _ = signal::set_mask(self.before);
    }
}
