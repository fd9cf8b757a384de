//! Waiting for a container.

use super::LookupError;
use super::observe;
use crate::Engine;
use ids::ContainerId;
use monitor::client::{ClientError, Connection};
use monitor::facts::Exited;
use monitor::layout::ContainerDirectories;
use monitor::protocol::{Reply, Request};
use monitor::status::State;
use std::time::Duration;

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

impl From<Exited> for WaitOutcome {
    fn from(exited: Exited) -> Self {
        Self { exit_code: exited.exit_code, error: exited.error }
    }
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

/// Between two looks at what nobody announces (a start to come, a removal, a container whose monitor died).
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

impl Engine {
    /// Waits until the condition holds.
    ///
    /// # Errors
    /// See [`WaitError`].
    pub fn wait(&self, container: &str, condition: WaitCondition) -> Result<WaitOutcome, WaitError> {
        let id = self.find(container)?;
        let directories = self.directories(&id);
        match condition {
            WaitCondition::NotRunning => wait_for_end(&directories, false),
            WaitCondition::NextExit => {
                let before = observe::observe(&directories).exited;
                wait_for_next(&directories, before.as_ref())
            }
            WaitCondition::Removed => self.wait_for_removal(&id, &directories),
        }
    }

    fn wait_for_removal(
        &self,
        id: &ContainerId,
        directories: &ContainerDirectories,
    ) -> Result<WaitOutcome, WaitError> {
        let mut outcome = WaitOutcome::default();
        loop {
            if let Ok(seen) = wait_for_end(directories, false)
                && directories.data.exists()
            {
                outcome = seen;
            }
            if self.reread_container(id)?.is_none() {
                return Ok(outcome);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

/// Waits until the container does not run; with `any`, a restart by policy counts as an end too.
fn wait_for_end(directories: &ContainerDirectories, any: bool) -> Result<WaitOutcome, WaitError> {
    loop {
        let observed = observe::observe(directories);
        match observed.state {
            State::Running | State::Paused | State::Restarting | State::Starting => {}
            _ => return Ok(observed.exited.map(WaitOutcome::from).unwrap_or_default()),
        }
        match ask(directories, any) {
            Ok(Some(outcome)) => return Ok(outcome),
            // Its monitor is gone, or not yet there: look again.
            Ok(None) => std::thread::sleep(LOOK_INTERVAL),
            Err(error) => return Err(error.into()),
        }
    }
}

fn wait_for_next(
    directories: &ContainerDirectories,
    before: Option<&Exited>,
) -> Result<WaitOutcome, WaitError> {
    loop {
        let observed = observe::observe(directories);
        if observed.owned {
            if let Some(outcome) = ask(directories, true)? {
                return Ok(outcome);
            }
        } else if let Some(exited) = observed.exited.filter(|exited| Some(exited) != before) {
            return Ok(exited.into());
        } else if !directories.data.exists() {
            return Ok(WaitOutcome::default());
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Asks the monitor; `None` when there is none, or it went away without an answer.
fn ask(directories: &ContainerDirectories, any: bool) -> Result<Option<WaitOutcome>, ClientError> {
    let connection = match Connection::open(directories) {
        Err(ClientError::NoMonitor) => return Ok(None),
        connection => connection?,
    };
    match connection.ask(&Request::Wait { any }) {
        Ok(Reply::Exited(exited)) => Ok(Some(exited.into())),
        Ok(_) | Err(ClientError::Gone) => Ok(None),
        Err(error) => Err(error),
    }
}
