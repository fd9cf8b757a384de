//! What a child and its parent tell each other while a launch is under way.
//!
//! One message per packet of a [`kernel::seqpacket`] pair: a tag byte and fields. Both ends are the same program, so
//! there is no version; the parent still bounds and checks what it reads, because the child has by then entered the
//! container's namespaces.

use crate::error::StepKind;
use kernel::seqpacket;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::SocketFlags;
use std::os::fd::{BorrowedFd, OwnedFd};

/// No message is longer.
const MESSAGE_MAX: usize = 4096;
/// No text in a message is longer.
const TEXT_MAX: usize = 1024;

/// Why the child gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) step: StepKind,
    pub(crate) object: String,
    pub(crate) detail: String,
    pub(crate) errno: Errno,
}

/// From the child.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromChild {
    /// Something that was asked for is not so; the launch goes on.
    Warning(String),
    /// It is in its user namespace, and the parent does now what it has no right to any more. Waits for [`GO`].
    AtParent,
    /// It needs bind sources, this many from this one on. Waits for [`GO`], with which they come.
    AtBinds {
        /// Index in the plan.
        first: u16,
        /// How many, at most [`kernel::seqpacket::FDS_MAX`].
        count: u16,
    },
    /// Its namespaces are there and its root is mounted: the parent runs its hooks now. Waits for [`GO`].
    AtHooks,
    /// Its seccomp filter is in force; the listener comes along and is handed to the agent now.
    Listener,
    /// Set up completely, waiting for [`Go`](GO). The terminal's other end comes along if there is one.
    Ready,
    /// It ends now.
    Failed(Failure),
}

/// From the parent: go on, the last time by executing.
const GO: u8 = b'g';

fn clip(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl FromChild {
    fn encode(&self) -> Vec<u8> {
        match self {
            FromChild::Warning(text) => [b"w", clip(text).as_bytes()].concat(),
            FromChild::AtParent => b"p".to_vec(),
            FromChild::AtBinds { first, count } => {
                [&b"b"[..], &first.to_le_bytes(), &count.to_le_bytes()].concat()
            }
            FromChild::AtHooks => b"h".to_vec(),
            FromChild::Listener => b"l".to_vec(),
            FromChild::Ready => b"r".to_vec(),
            FromChild::Failed(failure) => {
                let (object, detail) = (clip(&failure.object), clip(&failure.detail));
                let errno = failure.errno.raw_os_error().to_le_bytes();
                let length = (object.len() as u16).to_le_bytes();
                let head: &[&[u8]] = &[b"f", &[failure.step as u8], &errno, &length];
                [head, &[object.as_bytes(), detail.as_bytes()]].concat().concat()
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<FromChild> {
        let (tag, rest) = bytes.split_first()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(match tag {
            b'w' => FromChild::Warning(text(rest)),
            b'p' => FromChild::AtParent,
            b'b' => {
                let (first, rest) = rest.split_first_chunk::<2>()?;
                let (count, _) = rest.split_first_chunk::<2>()?;
                FromChild::AtBinds { first: u16::from_le_bytes(*first), count: u16::from_le_bytes(*count) }
            }
            b'h' => FromChild::AtHooks,
            b'l' => FromChild::Listener,
            b'r' => FromChild::Ready,
            b'f' => {
                let (step, rest) = rest.split_first()?;
                let (errno, rest) = rest.split_first_chunk::<4>()?;
                let (length, rest) = rest.split_first_chunk::<2>()?;
                let (object, detail) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
                FromChild::Failed(Failure {
                    step: *StepKind::ALL.get(usize::from(*step))?,
                    object: text(object),
                    detail: text(detail),
                    errno: Errno::from_raw_os_error(i32::from_le_bytes(*errno)),
                })
            }
            _ => return None,
        })
    }

    /// Sends it to the parent.
    pub(crate) fn send(&self, channel: BorrowedFd<'_>, fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
        seqpacket::send(channel, &self.encode(), fds)
    }

    /// Waits for the child's next message, with the descriptors that came along. `None` when its end is closed: it
    /// has executed its program or died.
    pub(crate) fn receive(channel: BorrowedFd<'_>) -> rustix::io::Result<Option<(FromChild, Vec<OwnedFd>)>> {
        let mut buffer = [0; MESSAGE_MAX];
        let (length, fds) = seqpacket::receive(channel, &mut buffer)?;
        if length == 0 {
            return Ok(None);
        }
        let message = FromChild::decode(&buffer[..length]).ok_or(Errno::PROTO)?;
        Ok(Some((message, fds)))
    }
}

/// Tells the child to go on.
pub(crate) fn send_go(channel: BorrowedFd<'_>) -> rustix::io::Result<()> {
    seqpacket::send(channel, &[GO], &[])
}

/// Tells the child to go on with what it asked for.
pub(crate) fn send_go_with(channel: BorrowedFd<'_>, fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
    seqpacket::send(channel, &[GO], fds)
}

/// Waits for the parent's word; `false` when the parent is gone.
pub(crate) fn wait_for_go(channel: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    Ok(wait_for_fds(channel)?.is_some())
}

/// Waits for the parent's word and what comes with it; `None` when the parent is gone.
pub(crate) fn wait_for_fds(channel: BorrowedFd<'_>) -> rustix::io::Result<Option<Vec<OwnedFd>>> {
    let mut buffer = [0; 8];
    let (length, fds) = seqpacket::receive(channel, &mut buffer)?;
    Ok((buffer[..length] == [GO]).then_some(fds))
}

/// Waits at a listening socket for somebody to connect; the socket may be non-blocking.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    loop {
        match poll(&mut [PollFd::new(&listener, PollFlags::IN)], None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(other) => return Err(other),
        }
        match rustix::net::accept_with(listener, SocketFlags::CLOEXEC) {
            Err(Errno::INTR | Errno::AGAIN | Errno::CONNABORTED) => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let (parent, child) = seqpacket::pair().unwrap();
        let failure = Failure {
            step: StepKind::Mount,
            object: "/proc".into(),
            detail: "because".into(),
            errno: Errno::PERM,
        };
        let binds = FromChild::AtBinds { first: 3, count: 300 };
        for message in [FromChild::Ready, binds, FromChild::Warning("hm".into()), FromChild::Failed(failure)]
        {
            message.send(child.as_fd(), &[]).unwrap();
            assert_eq!(FromChild::receive(parent.as_fd()).unwrap().unwrap().0, message);
        }
        send_go(parent.as_fd()).unwrap();
        assert!(wait_for_go(child.as_fd()).unwrap());
        drop(child);
        assert!(FromChild::receive(parent.as_fd()).unwrap().is_none());
    }

    #[test]
    fn long_texts_are_clipped_at_a_letter() {
        let long = "ä".repeat(TEXT_MAX);
        assert!(FromChild::Warning(long.clone()).encode().len() <= TEXT_MAX + 1);
        assert_eq!(clip(&long).len(), TEXT_MAX);
        assert_eq!(clip(&format!("a{long}")).len(), TEXT_MAX - 1);
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in [&b""[..], b"x", b"f", b"f\xff\0\0\0\0\0\0", b"f\0\x01\0\0\0\xff\xff", b"b\0\0\x01"] {
            assert_eq!(FromChild::decode(bytes), None);
        }
    }
}
