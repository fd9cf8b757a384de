//! Starting a container: a monitor is launched and answers.

use super::launch::{LaunchError, Ownership};
use super::lookup::{Held, LookupError};
use super::observe;
use super::record::Record;
use crate::Engine;
use crate::documents::{self, FileError};
use crate::model::NetworkChoice;
use crate::networks::{NetworkLock, PortsError, lock};
use ids::{ContainerId, ContainerName, NetworkName};
use monitor::client::{ClientError, Connection};
use monitor::desired::{Desired, NetworkPlan};
use monitor::facts::Durability;
use monitor::layout::{ContainerDirectories, data};
use monitor::protocol::{FailureKind, LaunchMode, Reply, Request, Streams};
use monitor::status::State;
use state::StateError;

/// How a container is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct StartOptions {
    /// Streams that the connection carries; none leaves the container alone.
    pub streams: Streams,
    /// First size of the terminal, rows and columns.
    pub terminal_size: Option<(u16, u16)>,
    /// The caller stays until the container is released and then calls [`Engine::finish`].
    pub engine_waits: bool,
}

/// A started container.
#[derive(Debug)]
pub struct Running {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether [`Engine::finish`] will remove it.
    pub auto_remove: bool,
    /// The conversation with the monitor: a stream connection when streams were asked for or the engine waits, else
    /// closed by the monitor. Absent when the container already ran and no streams were asked for.
    pub connection: Option<Connection>,
    /// What a person should know, one line each.
    pub warnings: Vec<String>,
}

/// Why a container could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It is paused. The words are Docker's.
    #[error("cannot start a paused container, try unpause instead")]
    Paused,
    /// A network of it was removed. The words are Docker's.
    #[error("failed to set up container networking: network {name} not found")]
    NetworkGone {
        /// The network.
        name: NetworkName,
    },
    /// What it is linked to does not run. The words are Docker's.
    #[error("cannot link to a non running container: /{other} AS {alias}")]
    LinkDown {
        /// The other.
        other: String,
        /// Its name here.
        alias: String,
    },
    /// A host port.
    #[error(transparent)]
    Ports(#[from] PortsError),
    /// No monitor came up, or it could not start the container.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The monitor of a running container refuses.
    #[error("{message}")]
    Refused {
        /// The monitor's line.
        message: String,
    },
    /// The monitor of a running container could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
}

impl StartError {
    /// The exit code that `run` and `start -a` have for it: 127 for a command that is not there, 126 for one that
    /// cannot be executed, else 125 (docker-run(1), "Exit Status").
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Launch(LaunchError::Failed { kind: FailureKind::CommandNotFound, .. }) => 127,
            Self::Launch(LaunchError::Failed { kind: FailureKind::CommandNotExecutable, .. }) => 126,
            _ => 125,
        }
    }
}

/// How often a start is tried again when a port that was chosen freely turns out to be taken.
const PORT_ATTEMPTS: u32 = 5;

/// A container whose operation lock is held, and what is known of it.
#[derive(Debug)]
pub(crate) struct Startable<'a> {
    pub(crate) id: &'a ContainerId,
    pub(crate) name: &'a ContainerName,
    pub(crate) record: &'a Record,
    pub(crate) directories: &'a ContainerDirectories,
    /// The document, if the caller has just written it.
    pub(crate) desired: Option<Desired>,
}

impl Engine {
    /// Starts a container. One that runs already is attached to when streams are asked for, else left alone.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(&self, container: &str, options: StartOptions) -> Result<Running, StartError> {
        let Held { container, directories, operation } = self.hold(container)?;
        let startable = Startable {
            id: &container.id,
            name: &container.name,
            record: &container.record,
            directories: &directories,
            desired: None,
        };
        let running = self.start_held(startable, &options);
        drop(operation);
        running
    }

    /// The same for a container in our hands.
    pub(crate) fn start_held(
        &self,
        mut what: Startable<'_>,
        options: &StartOptions,
    ) -> Result<Running, StartError> {
        let connection = match self.settle(what.directories)? {
            Ownership::Monitor => join(what.directories, options.streams)?,
            Ownership::Free(liveness) => {
                let desired = match what.desired.take() {
                    Some(desired) => desired,
                    None => documents::read_desired(what.directories)?
                        .ok_or_else(|| LookupError::Incomplete { id: what.id.clone() })?,
                };
                let _networks = self.keep_networks(&desired)?;
                self.require_links(what.record)?;
                documents::remove_file(&what.directories.data.join(data::STOPPED_BY_USER))?;
                Some(self.launch_with_ports(&what, desired, liveness, options)?)
            }
        };
        Ok(Running {
            id: what.id.clone(),
            name: what.name.clone(),
            tty: what.record.config.tty,
            auto_remove: what.record.config.auto_remove,
            connection,
            warnings: Vec::new(),
        })
    }

    /// Holds the container's networks so that nobody removes them before it is on them.
    fn keep_networks(&self, desired: &Desired) -> Result<Vec<NetworkLock>, StartError> {
        let NetworkPlan::Bridge { endpoints, .. } = &desired.network else { return Ok(Vec::new()) };
        // The default network is never removed.
        let removable = endpoints.iter().filter(|endpoint| endpoint.network.resolves_names);
        let mut locks = Vec::new();
        for endpoint in removable {
            let (id, exec_root) = (&endpoint.network.id, &self.context().roots.exec);
            locks.push(NetworkLock::shared(exec_root, id)?);
            if self.database()?.read(|reader| reader.network(id))?.is_none() {
                documents::remove_file(&lock::path(exec_root, id))?;
                return Err(StartError::NetworkGone { name: endpoint.network.name.clone() });
            }
        }
        Ok(locks)
    }

    /// On the default network, what is linked to must run. The words are Docker's.
    fn require_links(&self, record: &Record) -> Result<(), StartError> {
        if !matches!(record.config.network, NetworkChoice::Default) {
            return Ok(());
        }
        for link in &record.config.links {
            let (other, alias) = link.split_once(':').unwrap_or((link, link));
            if !observe::observe(&self.directories(&self.find(other)?)).is_up() {
                return Err(StartError::LinkDown { other: other.to_owned(), alias: alias.to_owned() });
            }
        }
        Ok(())
    }

    fn launch_with_ports(
        &self,
        what: &Startable<'_>,
        mut desired: Desired,
        mut liveness: super::operation::Liveness,
        options: &StartOptions,
    ) -> Result<Connection, StartError> {
        let free_choice =
            what.record.ports.iter().any(|port| port.choice.is_none_or(|(first, last)| first != last));
        let mut attempt = 1;
        loop {
            self.decide_ports(what, &mut desired)?;
            let error = match self.launch(what.directories, liveness, LaunchMode::Start, options) {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            let port_lost = matches!(error, LaunchError::Failed { kind: FailureKind::PortInUse, .. });
            let again = super::operation::Liveness::try_take(what.directories)?;
            match again {
                Some(taken) if port_lost && free_choice && attempt < PORT_ATTEMPTS => liveness = taken,
                _ => return Err(error.into()),
            }
            attempt += 1;
        }
    }

    /// Puts concrete ports into the document, if the container publishes any.
    fn decide_ports(&self, what: &Startable<'_>, desired: &mut Desired) -> Result<(), StartError> {
        let NetworkPlan::Bridge { ports, .. } = &mut desired.network else { return Ok(()) };
        if what.record.ports.is_empty() {
            return Ok(());
        }
        *ports = self.choose_ports(what.id, &what.record.ports)?;
        self.free_lost_ports(what.id, ports)?;
        desired.generation += 1;
        let durability = if desired.auto_remove { Durability::Process } else { Durability::Power };
        Ok(documents::write_desired(what.directories, desired, durability)?)
    }
}

/// Joins a container that runs already.
fn join(directories: &ContainerDirectories, streams: Streams) -> Result<Option<Connection>, StartError> {
    if observe::observe(directories).state == State::Paused {
        return Err(StartError::Paused);
    }
    if !streams.any() {
        return Ok(None);
    }
    let connection = Connection::open(directories)?;
    match connection.ask(&Request::Attach { streams })? {
        Reply::Failed { message, .. } => Err(StartError::Refused { message }),
        _ => Ok(Some(connection)),
    }
}
