//! The streams of a running process.

use std::os::fd::BorrowedFd;

/// What came over a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Happened<'a> {
    /// Bytes of standard output, or of the terminal.
    Stdout(&'a [u8]),
    /// Bytes of standard error.
    Stderr(&'a [u8]),
    /// The process ended with this code; no output follows.
    Exited(i32),
    /// All it held is let go.
    Released,
    /// The other side closed the stream.
    Closed,
}

/// The streams of a running process, as one descriptor to wait for.
pub(crate) trait Stream {
    /// Readable when [`Stream::next`] has something, writable when input can be sent without waiting.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Takes what has come; `buffer` is 32 KiB and a byte at least.
    fn next<'a>(&mut self, buffer: &'a mut [u8]) -> rustix::io::Result<Happened<'a>>;

    /// Sends input, 32 KiB at the most.
    fn send_input(&mut self, bytes: &[u8]) -> rustix::io::Result<()>;

    /// Ends the input.
    fn end_input(&mut self) -> rustix::io::Result<()>;

    /// Tells the terminal's size.
    fn resize(&mut self, rows: u16, columns: u16) -> rustix::io::Result<()>;
}
