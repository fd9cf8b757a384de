//! Handing a container's terminal to the engine (`--console-socket`).

use crate::error::CliError;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType,
};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// Sends the terminal's other end to whoever listens at `path`, as runc does: one message with the descriptor.
///
/// # Errors
/// [`CliError::Path`].
pub(crate) fn send(path: &Path, terminal: BorrowedFd<'_>) -> Result<(), CliError> {
    hand_over(path, b"/dev/ptmx", terminal).map_err(CliError::path("send the terminal to", path))
}

/// Sends a process to whoever listens at `path` (`--pidfd-socket`), in the same form.
///
/// # Errors
/// [`CliError::Path`].
pub(crate) fn send_pidfd(path: &Path, pidfd: BorrowedFd<'_>) -> Result<(), CliError> {
    hand_over(path, b"pidfd", pidfd).map_err(CliError::path("send the process to", path))
}

fn hand_over(path: &Path, name: &[u8], fd: BorrowedFd<'_>) -> Result<(), Errno> {
    let address = SocketAddrUnix::new(path)?;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::net::connect(&socket, &address)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(Errno::NOBUFS);
    }
    rustix::net::sendmsg(socket.as_fd(), &[IoSlice::new(name)], &mut ancillary, SendFlags::NOSIGNAL).map(drop)
}
