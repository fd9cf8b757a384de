//! Stopping and restarting.

use super::launch::{LaunchError, Ownership};
use super::lookup::{Held, LookupError};
use super::operation::Liveness;
use super::start::Startable;
use super::{StartError, StartOptions, observe};
use crate::Engine;
use crate::documents::{self, FileError};
use crate::events::about;
use crate::plan::signals;
use ids::ContainerId;
use monitor::client::{ClientError, Connection};
use monitor::clock;
use monitor::facts::{self, Durability, StopIntent};
use monitor::layout::{ContainerDirectories, data};
use monitor::protocol::{Reply, Request};

/// How a container is stopped; what is absent is the container's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopOptions {
    /// Signal by name or number.
    pub signal: Option<String>,
    /// Seconds until SIGKILL; -1 waits for ever.
    pub timeout_seconds: Option<i64>,
}

/// Why a container could not be stopped or restarted.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No signal is called so.
    #[error("invalid signal: {text}")]
    InvalidSignal {
        /// What was typed.
        text: String,
    },
    /// The monitor refuses.
    #[error("cannot stop container {id}: {message}")]
    Refused {
        /// Which.
        id: ContainerId,
        /// The monitor's line.
        message: String,
    },
    /// The monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A lost monitor could not be replaced.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
    /// It stopped but did not start again.
    #[error(transparent)]
    Start(Box<StartError>),
}

/// Makes it durable that the user wants the container to end.
pub(super) fn write_intent(directories: &ContainerDirectories) -> Result<(), FileError> {
    let intent = StopIntent { at: clock::now() };
    facts::write(&directories.data, data::STOPPED_BY_USER, &intent, Durability::Power)
        .map_err(FileError::of("write", &directories.data.join(data::STOPPED_BY_USER)))
}

impl Engine {
    /// Stops a container and returns when it has ended; one that does not run is no error. That the user wanted it is
    /// durable before the signal is sent.
    ///
    /// # Errors
    /// See [`StopError`].
    pub fn stop(&self, container: &str, options: &StopOptions) -> Result<(), StopError> {
        let held = self.hold(container)?;
        let container = held.container.clone();
        let request = stop_request(&held, options)?;
        if self.end_by_user(held, &request)? {
            self.event_about("stop", &container);
        }
        Ok(())
    }

    /// Ends a container because the user wants it to, and returns when it has ended; whether it ran.
    pub(super) fn end_by_user(&self, mut held: Held, request: &Request) -> Result<bool, StopError> {
        let container = held.container.clone();
        let mut asked = false;
        while let Some(connection) = self.begin_stop(&held, request, true)? {
            asked = true;
            // Others may look after the container while it takes its time.
            drop(held);
            if await_end(&connection, container.id.clone())? == Answer::Ended {
                break;
            }
            held = match self.hold(container.id.as_str()) {
                // It was to be removed once it had ended.
                Err(LookupError::NotFound { .. }) => break,
                held => held?,
            };
        }
        Ok(asked)
    }

    /// Stops a container if it runs, and starts it.
    ///
    /// # Errors
    /// See [`StopError`].
    pub fn restart(&self, container: &str, options: &StopOptions) -> Result<(), StopError> {
        let held = self.hold(container)?;
        let request = stop_request(&held, options)?;
        // The intent keeps the policy from starting it before we do; starting clears it.
        while let Some(connection) = self.begin_stop(&held, &request, true)? {
            let answer = await_end(&connection, held.container.id.clone())?;
            Liveness::take_within(&held.directories, RELEASE_PATIENCE)?;
            if answer == Answer::Ended {
                break;
            }
        }
        let startable = Startable {
            id: &held.container.id,
            name: &held.container.name,
            record: &held.container.record,
            directories: &held.directories,
            desired: None,
        };
        let started = self.start_held(startable, &StartOptions::default());
        started.map_err(|error| StopError::Start(Box::new(error)))?;
        self.event_about("restart", &held.container);
        Ok(())
    }

    /// Sends the request to a running container; `None` when it does not run.
    fn begin_stop(
        &self,
        held: &Held,
        request: &Request,
        by_user: bool,
    ) -> Result<Option<Connection>, StopError> {
        let directories = &held.directories;
        let observed = observe::observe(directories);
        if !observed.owned && !observed.alive && !observed.needs_recovery() {
            return Ok(None);
        }
        if by_user {
            write_intent(directories)?;
        }
        loop {
            if let Ownership::Free(_) = self.settle(directories)? {
                return Ok(None);
            }
            match Connection::open(directories) {
                // It is about to let go, or was killed just now: the lock tells, once it is free.
                Err(ClientError::NoMonitor) => {
                    if Liveness::take_within(directories, RELEASE_PATIENCE)?.is_none() {
                        return Err(ClientError::NoMonitor.into());
                    }
                }
                connection => {
                    let connection = connection?;
                    // Told before it is sent: the monitor tells the end, and that may come at once.
                    if let Request::Stop { signal, .. } = request {
                        self.event(&about("kill", &held.container).with("signal", signal.to_string()));
                    }
                    match connection.send(request, &[]) {
                        // Its reply will be missing too.
                        Err(ClientError::Gone) => {}
                        sent => sent?,
                    }
                    return Ok(Some(connection));
                }
            }
        }
    }
}

/// How long a monitor may take from the container's end to letting go.
const RELEASE_PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

fn stop_request(held: &Held, options: &StopOptions) -> Result<Request, StopError> {
    let desired = documents::read_desired(&held.directories)?
        .ok_or_else(|| LookupError::Incomplete { id: held.container.id.clone() })?;
    let signal = match &options.signal {
        None => desired.stop.signal,
        Some(text) => signals::parse(text).ok_or_else(|| StopError::InvalidSignal { text: text.clone() })?,
    };
    let timeout_seconds = options.timeout_seconds.unwrap_or(desired.stop.timeout_seconds);
    Ok(Request::Stop { signal, timeout_seconds })
}

/// How a monitor answered a request to stop.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The container has ended.
    Ended,
    /// Not at all: the monitor is gone. It ended after the container, or was killed before it.
    Gone,
}

fn await_end(connection: &Connection, id: ContainerId) -> Result<Answer, StopError> {
    match connection.reply() {
        Ok((Reply::Failed { message, .. }, _)) => Err(StopError::Refused { id, message }),
        Ok(_) => Ok(Answer::Ended),
        Err(ClientError::Gone) => Ok(Answer::Gone),
        Err(error) => Err(error.into()),
    }
}
