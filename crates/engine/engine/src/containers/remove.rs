//! Removing a container.
//!
//! First its directory goes to the trash, in one rename: from then on it is no container any more, and whoever meets
//! what is left finishes the removal. Then its file system, its record with everything claimed in it, its volumes.

use super::create::{Made, snapshot_key};
use super::launch::{LaunchError, Ownership};
use super::lookup::{Held, LookupError};
use super::mounts::{VolumeRecord, volumes};
use super::observe;
use super::operation::{Liveness, Operation};
use super::record::Container;
use super::stop;
use crate::Engine;
use crate::documents::{self, FileError};
use crate::plan::signals::KILL;
use ids::{ContainerId, VolumeName};
use monitor::client::{ClientError, Connection};
use monitor::layout::{ContainerDirectories, data};
use monitor::protocol::Request;
use monitor::status::State;
use snapshot::SnapshotError;
use state::StateError;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use volume::VolumeError;

/// How a container is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoveOptions {
    /// Kill it if it runs.
    pub force: bool,
    /// Remove its anonymous volumes too.
    pub volumes: bool,
}

/// Why a container could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It runs. The words are Docker's.
    #[error(
        "cannot remove container \"/{name}\": container is {state}: stop the container before removing or force remove"
    )]
    Running {
        /// Its name.
        name: String,
        /// Its state.
        state: &'static str,
    },
    /// It is paused.
    #[error("cannot remove container \"/{name}\": container is paused and must be unpaused first")]
    Paused {
        /// Its name.
        name: String,
    },
    /// It was killed, and yet its monitor does not let go.
    #[error("container {id} did not end within {seconds} s after it was killed")]
    Stuck {
        /// Which.
        id: ContainerId,
        /// How long was waited.
        seconds: u64,
    },
    /// Its monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A lost monitor could not be replaced.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// Its file system.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A volume of it.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How long a container that was killed may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

impl Engine {
    /// Removes a container and everything that belongs to it.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn remove(&self, container: &str, options: RemoveOptions) -> Result<(), RemoveError> {
        let held = self.hold(container)?;
        let liveness = self.end(&held, options.force)?;
        self.remove_held(&held, options.volumes)?;
        drop(liveness);
        Ok(())
    }

    /// Removes an `auto_remove` container that has ended, or whose monitor is about to let go.
    pub(super) fn remove_ended(&self, id: &ContainerId) -> Result<(), RemoveError> {
        let held = self.hold(id.as_str())?;
        // Somebody may have started it again meanwhile.
        if !held.container.record.config.auto_remove || observe::observe(&held.directories).is_up() {
            return Ok(());
        }
        let mut liveness = self.let_go(&held)?;
        if observe::observe_unowned(&held.directories).needs_recovery() {
            // Its monitor was killed before it had given everything back.
            drop(liveness);
            liveness = match self.settle(&held.directories)? {
                Ownership::Free(liveness) => liveness,
                Ownership::Monitor => self.let_go(&held)?,
            };
        }
        let done = self.remove_held(&held, true);
        drop(liveness);
        done
    }

    /// Waits until the monitor lets go.
    fn let_go(&self, held: &Held) -> Result<Liveness, RemoveError> {
        Liveness::take_within(&held.directories, PATIENCE)?
            .ok_or_else(|| RemoveError::Stuck { id: held.container.id.clone(), seconds: PATIENCE.as_secs() })
    }

    /// Makes sure that the container does not run, and that nobody starts it.
    fn end(&self, held: &Held, force: bool) -> Result<Liveness, RemoveError> {
        let directories = &held.directories;
        let name = held.container.name.to_string();
        if !directories.data.join(data::DESIRED).exists() {
            return self.let_go(held);
        }
        let observed = observe::observe(directories);
        match observed.state {
            State::Paused if !force => return Err(RemoveError::Paused { name }),
            State::Running | State::Restarting if !force => {
                return Err(RemoveError::Running { name, state: observed.state.as_str() });
            }
            _ => {}
        }
        if observed.owned || observed.needs_recovery() || observed.alive {
            // Whatever the policy says, it must not come back.
            stop::write_intent(directories)?;
        }
        loop {
            match self.settle(directories)? {
                Ownership::Free(liveness) => return Ok(liveness),
                Ownership::Monitor => {}
            }
            match Connection::open(directories) {
                // The answer comes when it has ended; that it lets go is waited for below.
                Ok(connection) => match connection.ask(&Request::Stop { signal: KILL, timeout_seconds: 0 }) {
                    Ok(_) | Err(ClientError::Gone) => {}
                    Err(error) => return Err(error.into()),
                },
                Err(ClientError::NoMonitor) => {}
                Err(error) => return Err(error.into()),
            }
            let liveness = self.let_go(held)?;
            let left = observe::observe_unowned(directories);
            if !left.alive && !left.needs_recovery() {
                return Ok(liveness);
            }
            // The monitor was killed before the container: the next one carries it out.
        }
    }

    /// Removes a container that does not run and is in our hands.
    pub(crate) fn remove_held(&self, held: &Held, with_volumes: bool) -> Result<(), RemoveError> {
        let Container { id, record, .. } = &held.container;
        let volumes = if with_volumes { self.anonymous_volumes(held)? } else { Vec::new() };
        if !record.ports.is_empty() {
            self.end_lost_connections(&held.directories);
        }
        let made = Made { id: Some(id.clone()), endpoints: record.endpoints.clone(), volumes };
        self.discard(&made, &held.directories)?;
        self.event_about("destroy", &held.container);
        Ok(())
    }

    fn anonymous_volumes(&self, held: &Held) -> Result<Vec<VolumeName>, StateError> {
        if !held.container.record.mounts.iter().any(|mount| mount.name.is_some()) {
            return Ok(Vec::new());
        }
        let rows = self.database()?.read(|reader| reader.volumes_of(&held.container.id))?;
        let is_anonymous = |record: &[u8]| {
            serde_json::from_slice::<VolumeRecord>(record).is_ok_and(|record| record.anonymous)
        };
        Ok(rows.into_iter().filter(|row| is_anonymous(&row.record)).map(|row| row.name).collect())
    }

    /// Takes away what was made of a container, in an order that can be resumed.
    pub(crate) fn discard(&self, made: &Made, directories: &ContainerDirectories) -> Result<(), RemoveError> {
        let trash = self.throw_away(directories)?;
        if let Some(id) = &made.id {
            self.images()?.snapshots().remove(&snapshot_key(id))?;
            let gone = self.database()?.write(state::Durability::Process, |writer| {
                writer.delete_container(id)?;
                for endpoint in &made.endpoints {
                    writer.release_lease(endpoint)?;
                }
                let mut gone = Vec::new();
                for volume in &made.volumes {
                    if writer.delete_unused_volume(volume)? {
                        gone.push(volume);
                    }
                }
                Ok::<_, StateError>(gone)
            })?;
            let volumes = volumes(&self.context().roots.data);
            for volume in gone {
                volumes.remove(volume)?;
            }
        }
        if let Some(trash) = trash {
            documents::remove_directory(&trash)?;
        }
        Ok(documents::remove_exec(&directories.exec)?)
    }

    /// Renames the data directory into the trash; where it is now.
    fn throw_away(&self, directories: &ContainerDirectories) -> Result<Option<PathBuf>, FileError> {
        let trash = trash_directory(&self.context().roots.data);
        let place = trash.join(ids::ExecId::random().as_str());
        let rename = || fs::rename(&directories.data, &place);
        match rename() {
            Ok(()) => return Ok(Some(place)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::of("remove", &directories.data)(error)),
        }
        // Either there is nothing to throw away, or no trash yet.
        documents::make_directory(&trash)?;
        match rename() {
            Ok(()) => Ok(Some(place)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::of("remove", &directories.data)(error)),
        }
    }

    /// Finishes the removal of a container that has a record but no document, unless somebody is at it; whether it is
    /// gone.
    pub(crate) fn finish_removal(&self, id: &ContainerId) -> Result<bool, RemoveError> {
        let directories = self.directories(id);
        if directories.data.join(data::DESIRED).exists() || Operation::is_held(&directories) {
            return Ok(false);
        }
        let held = match self.hold(id.as_str()) {
            Err(LookupError::NotFound { .. }) => return Ok(true),
            held => held?,
        };
        if directories.data.join(data::DESIRED).exists() {
            return Ok(false);
        }
        self.remove_held(&held, true)?;
        Ok(true)
    }
}

/// Where directories on their way out are.
pub(crate) fn trash_directory(data_root: &std::path::Path) -> PathBuf {
    data_root.join("trash")
}
