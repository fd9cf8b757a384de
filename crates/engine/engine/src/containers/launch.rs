//! Monitors: starting one, and replacing one that died.

use super::lookup::LookupError;
use super::observe::{self, Observed};
use super::operation::Liveness;
use super::start::StartOptions;
use crate::Engine;
use crate::documents::FileError;
use cgroup::GroupPath;
use monitor::client::{self, ClientError, Connection, Handover};
use monitor::layout::ContainerDirectories;
use monitor::protocol::{FailureKind, LaunchMode, Reply, Request, VERSION};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// Why no monitor came up.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The monitor says why.
    #[error("{message}")]
    Failed {
        /// What kind of failure.
        kind: FailureKind,
        /// The monitor's line.
        message: String,
    },
    /// It could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Who owns a container, after a lost monitor has been replaced.
#[derive(Debug)]
pub(crate) enum Ownership {
    /// A monitor does.
    Monitor,
    /// Nobody: the lock is ours.
    Free(Liveness),
}

/// How long a monitor that has recorded the end of a lost container may take to let go.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(20);

/// How long a process that cannot be taken over may take to be gone.
const ADOPTION_PATIENCE: Duration = Duration::from_secs(1);
/// Name of the group, beside those of containers, which are called by their ids.
pub(crate) const MONITORS: &str = "monitors";
/// Between two looks at a container that is about to change.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

impl Engine {
    /// Starts a monitor with the liveness lock, and waits for its answer.
    pub(crate) fn launch(
        &self,
        directories: &ContainerDirectories,
        liveness: Liveness,
        mode: LaunchMode,
        options: &StartOptions,
    ) -> Result<Connection, LaunchError> {
        let context = self.context();
        let open = |path: &std::path::Path| File::open(path).map_err(FileError::of("open", path));
        let (data, exec) = (open(&directories.data)?, open(&directories.exec)?);
        let shelter = self.shelter();
        let group = shelter.as_ref().map(AsFd::as_fd);
        let handover = Handover { live_lock: &liveness.file, data: &data, exec: &exec, group };
        let request = Request::Launch {
            protocol: VERSION,
            build: context.programs.build.clone(),
            instance: context.instance.clone(),
            mode,
            streams: options.streams,
            terminal_size: options.terminal_size,
            engine_waits: options.engine_waits,
            command_began_ns: context.command_began_ns,
        };
        let (connection, mut child) = client::spawn(&context.programs.runtime, &request, &handover)?;
        // From here on the lock is the monitor's alone.
        drop(liveness);
        match connection.reply() {
            Ok((Reply::Started { .. }, _)) => Ok(connection),
            answer => {
                // It ends by itself; the lock is free when it has.
                let _ = child.wait();
                Err(match answer {
                    Ok((Reply::Failed { kind, message }, _)) => LaunchError::Failed { kind, message },
                    Ok((other, _)) => LaunchError::Failed {
                        kind: FailureKind::Host,
                        message: format!("the monitor answered {other:?} to a launch"),
                    },
                    Err(error) => error.into(),
                })
            }
        }
    }

    /// The group of this instance's monitors, where they would otherwise share the fate of our caller. Best effort: a
    /// container is worth more than where its monitor is.
    fn shelter(&self) -> Option<OwnedFd> {
        let path = GroupPath::parse(&format!("sampan-{}/{MONITORS}", self.context().instance)).ok()?;
        cgroup::shelter(&path).ok().flatten()
    }

    /// Makes sure that a container with processes has a monitor, and that one without has its end recorded. The
    /// caller holds the operation lock.
    pub(crate) fn settle(&self, directories: &ContainerDirectories) -> Result<Ownership, LaunchError> {
        let began = Instant::now();
        loop {
            let Some(liveness) = Liveness::try_take(directories)? else { return Ok(Ownership::Monitor) };
            let observed = observe::observe_unowned(directories);
            if !observed.alive {
                return if observed.needs_recovery() {
                    self.recover(directories, liveness)
                } else {
                    Ok(Ownership::Free(liveness))
                };
            }
            match self.launch(directories, liveness, LaunchMode::Adopt, &StartOptions::default()) {
                Ok(_) => return Ok(Ownership::Monitor),
                // It may have been dying when we looked: then there is nothing to take over any more.
                Err(error) if began.elapsed() > ADOPTION_PATIENCE => return Err(error),
                Err(_) => std::thread::sleep(LOOK_INTERVAL),
            }
        }
    }

    /// Has the end of a container that died with its monitor recorded, and what it held let go of.
    fn recover(
        &self,
        directories: &ContainerDirectories,
        liveness: Liveness,
    ) -> Result<Ownership, LaunchError> {
        let connection = self.launch(directories, liveness, LaunchMode::Recover, &StartOptions::default())?;
        drop(connection);
        // It ends at once, unless policy has it start the container again.
        let began = Instant::now();
        loop {
            if let Some(liveness) = Liveness::try_take(directories)? {
                return Ok(Ownership::Free(liveness));
            }
            let restarted = observe::observe(directories).state.has_processes();
            if restarted || began.elapsed() > RECOVERY_PATIENCE {
                return Ok(Ownership::Monitor);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// A conversation with the container's monitor; a lost one is replaced first. `None` when it does not run.
    pub(crate) fn connect(&self, query: &str) -> Result<Option<(Connection, Observed)>, ConnectError> {
        let id = self.find(query)?;
        let directories = self.directories(&id);
        let observed = observe::observe(&directories);
        if !observed.is_up() {
            return Ok(None);
        }
        match Connection::open(&directories) {
            Ok(connection) => return Ok(Some((connection, observed))),
            Err(ClientError::NoMonitor) => {}
            Err(error) => return Err(error.into()),
        }
        let held = self.hold(id.as_str())?;
        let ownership = self.settle(&held.directories)?;
        let observed = observe::observe(&held.directories);
        match ownership {
            Ownership::Monitor if observed.is_up() => {
                Ok(Some((Connection::open(&held.directories)?, observed)))
            }
            _ => Ok(None),
        }
    }
}

/// Why a monitor could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A lost one could not be replaced.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}
