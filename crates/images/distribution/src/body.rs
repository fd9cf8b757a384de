//! What a request carries: nothing, bytes at hand, or a part of a file that is read as it is sent.

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// How much of a file is read at once.
const PIECE: u64 = 256 << 10;

/// A request's body. A clone begins at its start again.
#[derive(Clone, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    Bytes(Bytes),
    File(FilePart),
}

/// Bytes of a file.
#[derive(Clone)]
pub(crate) struct FilePart {
    pub(crate) file: Arc<File>,
    /// Where in the file it goes on.
    pub(crate) at: u64,
    /// Where it ends.
    pub(crate) end: u64,
    /// Told where in the file sending is.
    pub(crate) sent: Rc<Cell<u64>>,
}

impl Body {
    /// How far sending is, to tell a slow network from a silent one.
    pub(crate) fn sent(&self) -> Option<Rc<Cell<u64>>> {
        match self {
            Self::File(part) => Some(Rc::clone(&part.sent)),
            Self::Empty | Self::Bytes(_) => None,
        }
    }
}

impl FilePart {
    fn next(&mut self) -> io::Result<Bytes> {
        let mut piece = vec![0; (self.end - self.at).min(PIECE) as usize];
        self.file.read_exact_at(&mut piece, self.at)?;
        self.at += piece.len() as u64;
        self.sent.set(self.at);
        Ok(piece.into())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = self.get_mut();
        let frame = match body {
            Self::File(part) if part.at < part.end => Some(part.next().map(Frame::data)),
            Self::Empty | Self::File(_) => None,
            Self::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)))
            }
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(part) => part.end - part.at,
        })
    }
}
