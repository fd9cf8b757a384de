//! Engines that are connected.

use super::reactor::{Interest, Reactor, Token};
use crate::protocol::{FRAME_MAX, Frame, Reply, Streams};
use kernel::seqpacket;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Has not asked yet.
    Fresh,
    /// Takes part in the streams of a process.
    Stream {
        /// Key of the process.
        process: u32,
        /// Which streams.
        streams: Streams,
    },
    /// Waits for an end of the first process; `any` counts restarts.
    Waiting {
        /// Restarts count too.
        any: bool,
    },
    /// Keeps the container frozen.
    Freezing,
    /// Was answered and will close.
    Answered,
}

/// One connection. Messages that the socket does not take at once wait here, and the process whose output they are
/// is not read meanwhile.
#[derive(Debug)]
pub(super) struct Client {
    socket: OwnedFd,
    pub(super) role: Role,
    /// The engine stays until the sandbox is released and then removes an `auto_remove` container itself.
    pub(super) waits_for_release: bool,
    /// Not read while the process does not take its input.
    paused: bool,
    queue: VecDeque<Vec<u8>>,
}

impl Client {
    /// Takes a connected socket into the reactor.
    pub(super) fn new(socket: OwnedFd, key: u32, reactor: &Reactor) -> rustix::io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        reactor.add(&socket, Token::Client(key), Interest::READ)?;
        Ok(Self {
            socket,
            role: Role::Fresh,
            waits_for_release: false,
            paused: false,
            queue: VecDeque::new(),
        })
    }

    /// Whether messages wait.
    pub(super) fn is_behind(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Receives one message; length 0 is the end.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> rustix::io::Result<usize> {
        seqpacket::receive(self.socket.as_fd(), buffer).map(|(length, _)| length)
    }

    /// Sends a reply with descriptors. Descriptors are never queued: a client that cannot take one gets an error.
    pub(super) fn reply(&mut self, reply: &Reply, fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
        // Serialising a closed enum of plain data cannot fail.
        let bytes = serde_json::to_vec(reply).map_err(|_| Errno::INVAL)?;
        if fds.is_empty() { self.send(bytes) } else { seqpacket::send(self.socket.as_fd(), &bytes, fds) }
    }

    /// Sends a frame; a long payload goes in several.
    pub(super) fn frame(&mut self, frame: Frame, payload: &[u8]) -> rustix::io::Result<()> {
        let mut rest = payload;
        loop {
            let (part, tail) = rest.split_at(rest.len().min(FRAME_MAX));
            let mut message = Vec::with_capacity(part.len() + 1);
            message.push(frame as u8);
            message.extend_from_slice(part);
            self.send(message)?;
            rest = tail;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    fn send(&mut self, message: Vec<u8>) -> rustix::io::Result<()> {
        if self.queue.is_empty() {
            match seqpacket::send(self.socket.as_fd(), &message, &[]) {
                Err(Errno::AGAIN) => {}
                done => return done,
            }
        }
        self.queue.push_back(message);
        Ok(())
    }

    /// Sends what waits, as far as the socket takes it.
    pub(super) fn drain(&mut self) -> rustix::io::Result<()> {
        while let Some(message) = self.queue.front() {
            match seqpacket::send(self.socket.as_fd(), message, &[]) {
                Err(Errno::AGAIN) => return Ok(()),
                done => done?,
            }
            self.queue.pop_front();
        }
        Ok(())
    }

    /// Stops or resumes reading what the client sends.
    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Tells the reactor what to wait for now.
    pub(super) fn refresh(&self, key: u32, reactor: &Reactor) -> rustix::io::Result<()> {
        reactor.set(
            &self.socket,
            Token::Client(key),
            Interest { read: !self.paused, write: self.is_behind(), urgent: false },
        )
    }

    /// Sends what waits although it takes time, at the very end of the monitor. Bounded: a client that does not read
    /// for five seconds is given up.
    pub(super) fn drain_blocking(&mut self) {
        let patience = rustix::time::Timespec { tv_sec: 5, tv_nsec: 0 };
        while self.is_behind() {
            let mut fds = [rustix::event::PollFd::new(&self.socket, rustix::event::PollFlags::OUT)];
            match rustix::event::poll(&mut fds, Some(&patience)) {
                Ok(0) => return,
                Err(Errno::INTR) => {}
                Err(_) => return,
                Ok(_) if self.drain().is_err() => return,
                Ok(_) => {}
            }
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
