//! Message sockets that carry descriptors (unix(7), `SOCK_SEQPACKET`, `SCM_RIGHTS`).

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// How many descriptors one message may carry.
pub const FDS_MAX: usize = 64;

/// A connected pair, both ends closed on exec.
///
/// # Errors
/// Whatever socketpair(2) reports.
pub fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
}

/// The path of a name inside an open directory, short enough for `sun_path` (108 bytes) whatever the directory's
/// own path is.
fn through_descriptor(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<SocketAddrUnix> {
    use std::os::fd::AsRawFd;
    SocketAddrUnix::new(Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name))
}

/// Listens at `name` in `directory`; only the owner may connect.
///
/// # Errors
/// Whatever socket(2), bind(2) or listen(2) report; `ADDRINUSE` when the name exists.
pub fn listen(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    // The mode set on the socket before bind(2) becomes the file's, so there is no moment of a wider one.
    rustix::fs::fchmod(&socket, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    rustix::net::bind(&socket, &through_descriptor(directory, name)?)?;
    rustix::net::listen(&socket, 128)?;
    Ok(socket)
}

/// Connects to the listener at `name` in `directory`.
///
/// # Errors
/// Whatever connect(2) reports; `NOENT` or `CONNREFUSED` when nobody listens.
pub fn connect(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<OwnedFd> {
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::net::connect(&socket, &through_descriptor(directory, name)?)?;
    Ok(socket)
}

/// Sends one message.
///
/// # Errors
/// Whatever sendmsg(2) reports; `PIPE` (never the signal) when the other side is gone, `AGAIN` on a full
/// non-blocking socket.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::TOOBIG);
    }
    loop {
        match rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
}

/// Receives one message into `buffer`: its length and its descriptors. Length 0 means that the other side is gone.
///
/// # Errors
/// Whatever recvmsg(2) reports; `MSGSIZE` when the message was longer than the buffer.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> rustix::io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        let mut parts = [IoSliceMut::new(buffer)];
        match rustix::net::recvmsg(socket.as_fd(), &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Ok(message) => break message,
            Err(other) => return Err(other),
        }
    };
    let fds = ancillary
        .drain()
        .filter_map(|part| match part {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    if message.flags.contains(rustix::net::ReturnFlags::TRUNC) {
        return Err(Errno::MSGSIZE);
    }
    Ok((message.bytes, fds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_bounds_and_their_descriptors() {
        let (a, b) = pair().unwrap();
        let (read_end, write_end) = rustix::pipe::pipe().unwrap();
        send(a.as_fd(), b"one", &[write_end.as_fd()]).unwrap();
        send(a.as_fd(), b"second", &[]).unwrap();
        let mut buffer = [0u8; 64];
        let (length, fds) = receive(b.as_fd(), &mut buffer).unwrap();
        assert_eq!((&buffer[..length], fds.len()), (&b"one"[..], 1));
        rustix::io::write(&fds[0], b"x").unwrap();
        assert_eq!(rustix::io::read(&read_end, &mut [0u8; 4]).unwrap(), 1);
        assert_eq!(receive(b.as_fd(), &mut buffer).unwrap().0, 6);
        drop(a);
        assert_eq!(receive(b.as_fd(), &mut buffer).unwrap().0, 0);
    }

    #[test]
    fn a_message_that_does_not_fit_is_an_error() {
        let (a, b) = pair().unwrap();
        send(a.as_fd(), &[7; 100], &[]).unwrap();
        assert_eq!(receive(b.as_fd(), &mut [0u8; 10]).unwrap_err(), Errno::MSGSIZE);
    }
}
