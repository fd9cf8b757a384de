//! Messages over TCP: two bytes of length, then the message (RFC 1035, section 4.2.2).

use network::dns::message::STREAM_MAX;
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// Bytes of the length.
const PREFIX: usize = 2;

/// What has come in of a message.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
}

/// What a read gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Not a whole message yet.
    Partial,
    /// A message; what follows it stays for the next.
    Message(Vec<u8>),
    /// The end, or an error: nothing more will come.
    Closed,
}

impl Incoming {
    /// Takes what the socket has; at most one message's worth is kept.
    pub(super) fn read(&mut self, socket: BorrowedFd<'_>) -> Read {
        let mut buffer = [0; 4096];
        while self.bytes.len() < PREFIX + STREAM_MAX {
            match rustix::io::read(socket, &mut buffer[..]) {
                // What was asked before the end is still answered.
                Ok(0) => return self.take().map_or(Read::Closed, Read::Message),
                Ok(count) => self.bytes.extend(&buffer[..count]),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(_) => return Read::Closed,
            }
        }
        self.take().map_or(Read::Partial, Read::Message)
    }

    /// Whether a whole message is there already.
    pub(super) fn has_message(&self) -> bool {
        let length =
            self.bytes.first_chunk::<PREFIX>().map(|length| usize::from(u16::from_be_bytes(*length)));
        length.is_some_and(|length| self.bytes.len() >= PREFIX + length)
    }

    /// A message that is there already.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        if !self.has_message() {
            return None;
        }
        let end = PREFIX + usize::from(u16::from_be_bytes(*self.bytes.first_chunk::<PREFIX>()?));
        let rest = self.bytes.split_off(end);
        let mut message = std::mem::replace(&mut self.bytes, rest);
        message.drain(..PREFIX);
        Some(message)
    }
}

/// What is still to be sent.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
}

impl Outgoing {
    /// Adds a message; one that is too long for the length is cut, which no message of ours is.
    pub(super) fn push(&mut self, message: &[u8]) {
        let length = message.len().min(STREAM_MAX);
        self.bytes.extend((length as u16).to_be_bytes());
        self.bytes.extend(&message[..length]);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Sends as much as the socket takes.
    pub(super) fn write(&mut self, socket: BorrowedFd<'_>) -> rustix::io::Result<()> {
        while !self.bytes.is_empty() {
            match rustix::net::send(socket, &self.bytes, rustix::net::SendFlags::NOSIGNAL) {
                Ok(count) => drop(self.bytes.drain(..count)),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn messages_come_whole_whatever_the_pieces() {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut outgoing = Outgoing::default();
        outgoing.push(b"first");
        outgoing.push(b"");
        outgoing.push(b"second");
        let bytes = outgoing.bytes.clone();
        let mut incoming = Incoming::default();
        rustix::io::write(&theirs, &bytes[..4]).unwrap();
        assert_eq!(incoming.read(ours.as_fd()), Read::Partial);
        rustix::io::write(&theirs, &bytes[4..]).unwrap();
        assert_eq!(incoming.read(ours.as_fd()), Read::Message(b"first".to_vec()));
        assert_eq!(incoming.take(), Some(Vec::new()));
        assert_eq!(incoming.take(), Some(b"second".to_vec()));
        assert_eq!(incoming.take(), None);
        drop(theirs);
        assert_eq!(incoming.read(ours.as_fd()), Read::Closed);
    }
}
