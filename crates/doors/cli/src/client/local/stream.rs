//! The streams of a process of the engine: a connection to its monitor.

use crate::client::{Happened, Stream};
use engine::{Connection, Exited, Frame, StreamEvent};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};

impl Stream for Connection {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }

    fn next<'a>(&mut self, buffer: &'a mut [u8]) -> rustix::io::Result<Happened<'a>> {
        Ok(match self.next_frame(buffer).map_err(errno)? {
            StreamEvent::Closed => Happened::Closed,
            StreamEvent::Frame(Frame::Stdout, bytes) => Happened::Stdout(bytes),
            StreamEvent::Frame(Frame::Stderr, bytes) => Happened::Stderr(bytes),
            StreamEvent::Frame(Frame::Released, _) => Happened::Released,
            StreamEvent::Frame(Frame::Exit, bytes) => {
                let exited: Exited = serde_json::from_slice(bytes).map_err(|_| Errno::PROTO)?;
                Happened::Exited(exited.exit_code)
            }
            StreamEvent::Frame(Frame::Stdin | Frame::Resize, _) => return Err(Errno::PROTO),
        })
    }

    fn send_input(&mut self, bytes: &[u8]) -> rustix::io::Result<()> {
        // An empty frame would end the input.
        if bytes.is_empty() { Ok(()) } else { self.send_frame(Frame::Stdin, bytes).map_err(errno) }
    }

    fn end_input(&mut self) -> rustix::io::Result<()> {
        self.send_frame(Frame::Stdin, &[]).map_err(errno)
    }

    fn resize(&mut self, rows: u16, columns: u16) -> rustix::io::Result<()> {
        let [a, b] = rows.to_le_bytes();
        let [c, d] = columns.to_le_bytes();
        self.send_frame(Frame::Resize, &[a, b, c, d]).map_err(errno)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn errno(error: engine::ClientError) -> Errno {
    match error {
        engine::ClientError::Socket(errno) => errno,
        engine::ClientError::Gone | engine::ClientError::NoMonitor => Errno::PIPE,
        _ => Errno::PROTO,
    }
}
