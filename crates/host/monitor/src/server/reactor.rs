//! What the monitor waits for: descriptors with their tokens, level-triggered (epoll(7)).

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// Who a readiness belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// The socket that engines connect to.
    Listener,
    /// A child changed state.
    Signals,
    /// An adopted first process, which is no child of ours, has ended.
    Adopted,
    /// The kernel's memory killer struck.
    OutOfMemory,
    /// The resolver's servant.
    Servant,
    /// A connection.
    Client(u32),
    /// Standard output or the terminal of a process.
    Stdout(u32),
    /// Standard error of a process.
    Stderr(u32),
    /// Standard input of a process can be written again.
    Stdin(u32),
}

impl Token {
    fn pack(self) -> u64 {
        let (kind, index) = match self {
            Self::Listener => (0, 0),
            Self::Signals => (1, 0),
            Self::Adopted => (2, 0),
            Self::OutOfMemory => (3, 0),
            Self::Client(index) => (4, index),
            Self::Stdout(index) => (5, index),
            Self::Stderr(index) => (6, index),
            Self::Stdin(index) => (7, index),
            Self::Servant => (8, 0),
        };
        (kind << 32) | u64::from(index)
    }

    fn unpack(packed: u64) -> Self {
        // The low half is the index that `pack` put there.
        let index = (packed & u64::from(u32::MAX)) as u32;
        match packed >> 32 {
            0 => Self::Listener,
            1 => Self::Signals,
            2 => Self::Adopted,
            3 => Self::OutOfMemory,
            4 => Self::Client(index),
            5 => Self::Stdout(index),
            6 => Self::Stderr(index),
            7 => Self::Stdin(index),
            _ => Self::Servant,
        }
    }
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Interest {
    /// Bytes, a connection, an end.
    pub(super) read: bool,
    /// Room.
    pub(super) write: bool,
    /// An exceptional condition, as cgroup v2's files have them.
    pub(super) urgent: bool,
}

impl Interest {
    pub(super) const READ: Self = Self { read: true, write: false, urgent: false };
    pub(super) const WRITE: Self = Self { read: false, write: true, urgent: false };
    pub(super) const URGENT: Self = Self { read: false, write: false, urgent: true };

    fn flags(self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, self.read);
        flags.set(EventFlags::OUT, self.write);
        flags.set(EventFlags::PRI, self.urgent);
        flags
    }
}

/// One readiness.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    pub(super) token: Token,
    /// Readable, or at its end.
    pub(super) read: bool,
    /// Writable, or broken.
    pub(super) write: bool,
}

/// The set of descriptors.
#[derive(Debug)]
pub(super) struct Reactor {
    epoll: OwnedFd,
}

impl Reactor {
    pub(super) fn new() -> rustix::io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)? })
    }

    pub(super) fn add(&self, fd: impl AsFd, token: Token, interest: Interest) -> rustix::io::Result<()> {
        epoll::add(&self.epoll, fd, EventData::new_u64(token.pack()), interest.flags())
    }

    /// Changes what is waited for. Without any interest only errors and hang-ups are reported, so a descriptor that
    /// may hang up while it is paused must be removed instead.
    pub(super) fn set(&self, fd: impl AsFd, token: Token, interest: Interest) -> rustix::io::Result<()> {
        epoll::modify(&self.epoll, fd, EventData::new_u64(token.pack()), interest.flags())
    }

    pub(super) fn remove(&self, fd: impl AsFd) {
        // Failing means that it is not in the set, which is what was asked.
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// Waits; `None` waits for ever. An interruption is an empty answer.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> rustix::io::Result<Vec<Ready>> {
        let timeout = timeout.map(|duration| rustix::time::Timespec {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(duration.subsec_nanos()),
        });
        let mut space = [MaybeUninit::<Event>::uninit(); 32];
        let events = match epoll::wait(&self.epoll, &mut space, timeout.as_ref()) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(other) => return Err(other),
        };
        let broken = EventFlags::HUP | EventFlags::ERR;
        Ok(events
            .iter()
            .map(|event| {
                let (data, flags) = (event.data, event.flags);
                Ready {
                    token: Token::unpack(data.u64()),
                    read: flags.intersects(EventFlags::IN | broken),
                    write: flags.intersects(EventFlags::OUT | broken),
                }
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_packing() {
        for token in [
            Token::Listener,
            Token::Adopted,
            Token::Servant,
            Token::Client(7),
            Token::Stdin(u32::MAX),
            Token::Stderr(0),
        ] {
            assert_eq!(Token::unpack(token.pack()), token);
        }
    }
}
