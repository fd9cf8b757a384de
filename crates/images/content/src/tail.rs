//! Reading a blob while it is still being written.
//!
//! The writer tells through a [`Flow`] how far it is; a [`Tail`] reads what is there and waits for the rest. Nothing
//! passes through memory: the page cache lies between the two. What is read is not verified yet; a reader that makes
//! something lasting of it asks [`Tail::wait`] first. When a transfer starts over, the bytes that a reader took may be
//! others than those that are stored: it must verify what it made by a digest of its own, and can try again from the
//! store if [`Tail::was_restarted`].

use ids::Digest;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The least that a reader is woken for.
const STEP: u64 = 128 << 10;

/// The transfer of a blob ended before all of it was there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the transfer of {digest} ended early")]
pub struct TransferEnded {
    /// The blob.
    pub digest: Digest,
}

/// What writer and readers of one blob share.
#[derive(Debug)]
pub(crate) struct Flow {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Bytes that can be read.
    written: u64,
    /// Where they are; it changes when the blob is published.
    path: PathBuf,
    /// Bytes that were readable have become others.
    restarted: bool,
    /// All bytes came and have the digest that was promised.
    verified: bool,
    /// Whether it was published, once that is decided.
    published: Option<bool>,
}

impl Flow {
    pub(crate) fn new(path: PathBuf, written: u64) -> Self {
        let state = State { written, path, restarted: false, verified: false, published: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waking a reader costs more than a piece from the network brings, so small steps are told together; the last one
    /// (to `size`) always is.
    pub(crate) fn set_written(&self, written: u64, size: u64) {
        let mut state = self.lock();
        if written >= state.written + STEP || written == size {
            state.written = written;
            drop(state);
            self.changed.notify_all();
        }
    }

    pub(crate) fn set_restarted(&self) {
        self.change(|state| (state.written, state.restarted) = (0, true));
    }

    pub(crate) fn set_verified(&self) {
        self.change(|state| state.verified = true);
    }

    /// Renames under the lock, so that no reader looks for the file in between.
    pub(crate) fn rename(&self, to: PathBuf, rename: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut state = self.lock();
        rename()?;
        state.path = to;
        Ok(())
    }

    pub(crate) fn end(&self, published: bool) {
        self.change(|state| {
            state.published.get_or_insert(published);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, mut condition: impl FnMut(&State) -> bool) -> MutexGuard<'_, State> {
        let guard = self.changed.wait_while(self.lock(), |state| condition(state));
        guard.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of a blob that is being written. It holds no descriptor before its first read.
#[derive(Debug)]
pub struct Tail {
    flow: Arc<Flow>,
    digest: Digest,
    size: u64,
    at: u64,
    file: Option<File>,
}

impl Tail {
    pub(crate) fn new(flow: Arc<Flow>, digest: Digest, size: u64) -> Self {
        Self { flow, digest, size, at: 0, file: None }
    }

    /// Another reader of the same blob, at its start.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(Arc::clone(&self.flow), self.digest.clone(), self.size)
    }

    /// Whether all bytes came and are what was promised.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.flow.lock().verified
    }

    /// Whether the transfer started over, so that what was read may not be what is stored.
    #[must_use]
    pub fn was_restarted(&self) -> bool {
        self.flow.lock().restarted
    }

    /// Waits until the blob is published (`true`), or given up.
    #[must_use]
    pub fn wait(&self) -> bool {
        self.flow.wait_while(|state| state.published.is_none()).published == Some(true)
    }

    /// Waits for bytes at our place; how many there are, and the file opened if it was not.
    fn available(&mut self) -> io::Result<u64> {
        let at = self.at;
        let state = self.flow.wait_while(|state| state.written <= at && state.published.is_none());
        if state.written <= at {
            return Err(io::Error::other(TransferEnded { digest: self.digest.clone() }));
        }
        if self.file.is_none() {
            // Under the lock, since the file moves when it is published.
            self.file = Some(File::open(&state.path)?);
        }
        Ok(state.written - at)
    }
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at < self.size && !buffer.is_empty() {
            let room = self.available()?.min(buffer.len() as u64) as usize;
            let Some(file) = &self.file else { return Err(ErrorKind::NotFound.into()) };
            // Nothing: the transfer starts over just now.
            match file.read_at(&mut buffer[..room], self.at)? {
                0 => std::thread::yield_now(),
                count => {
                    self.at += count as u64;
                    return Ok(count);
                }
            }
        }
        Ok(0)
    }
}
