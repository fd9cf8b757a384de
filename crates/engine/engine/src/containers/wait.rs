//! Waiting for a container.

use super::LookupError;
use crate::Engine;
use monitor::client::ClientError;

/// What is waited for, in Docker's words (`--condition`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WaitCondition {
    /// It does not run; at once if it does not run now.
    #[default]
    NotRunning,
    /// Its next end.
    NextExit,
    /// It is removed.
    Removed,
}

/// How the wait ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitOutcome {
    /// Exit code.
    pub exit_code: i32,
    /// Why the end is not known, or why it did not start; else empty.
    pub error: String,
}

/// Why nobody could wait.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Engine {
    /// Waits until the condition holds.
    ///
    /// # Errors
    /// See [`WaitError`].
    pub fn wait(&self, container: &str, condition: WaitCondition) -> Result<WaitOutcome, WaitError> {
        todo!()
    }
}
