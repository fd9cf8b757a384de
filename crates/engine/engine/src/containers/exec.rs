//! Another process in a running container.

use super::launch::ConnectError;
use super::layers;
use super::lookup::LookupError;
use super::observe::Observed;
use super::record::Container;
use crate::Engine;
use crate::documents::{self, FileError};
use crate::events::about;
use crate::plan::{self, Account, PlanError};
use ids::{ContainerId, ExecId};
use monitor::client::{ClientError, Connection};
use monitor::desired::Desired;
use monitor::protocol::{FailureKind, MESSAGE_MAX, Reply, Request, Streams};
use monitor::status::State;
use spec::runtime::{Capabilities, ConsoleSize, Process, User};
use std::os::fd::AsFd;
use std::path::PathBuf;

/// What is executed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecConfig {
    /// Program and arguments.
    pub command: Vec<String>,
    /// `NAME=value`, added to the container's.
    pub env: Vec<String>,
    /// `user[:group]`; the container's when absent.
    pub user: Option<String>,
    /// Absolute directory inside; the container's when absent.
    pub working_dir: Option<String>,
    /// A terminal.
    pub tty: bool,
    /// All capabilities, no filter of system calls.
    pub privileged: bool,
    /// Streams that the connection carries; none leaves the process alone.
    pub streams: Streams,
    /// First size of the terminal, rows and columns.
    pub terminal_size: Option<(u16, u16)>,
}

/// An executing process.
#[derive(Debug)]
pub struct RunningExec {
    /// The container.
    pub container: ContainerId,
    /// The process' own id, for [`Engine::resize`].
    pub id: ExecId,
    /// The conversation with the monitor: a stream connection when streams were asked for.
    pub connection: Connection,
}

/// Why nothing was executed.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run. The words are Docker's.
    #[error("container {container} is not running")]
    NotRunning {
        /// As typed.
        container: String,
    },
    /// It is paused.
    #[error("container {container} is paused, unpause the container before exec")]
    Paused {
        /// As typed.
        container: String,
    },
    /// It is about to be restarted.
    #[error("container {container} is restarting, wait until the container is running")]
    Restarting {
        /// As typed.
        container: String,
    },
    /// Nothing to execute.
    #[error("no exec command specified")]
    NoCommand,
    /// The request makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// More than fits into a request.
    #[error("arguments and environment take {bytes} bytes, {limit} are possible")]
    TooLong {
        /// How much it is.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The monitor says why.
    #[error("{message}")]
    Failed {
        /// What kind of failure.
        kind: FailureKind,
        /// The monitor's line.
        message: String,
    },
    /// Its monitor could not be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
}

impl ExecError {
    /// The exit code of `exec` for it: 127 for a command that is not there, 126 for one that cannot be executed or
    /// started, else 1 as Docker has it.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Failed { kind: FailureKind::CommandNotFound, .. } => 127,
            Self::Failed { kind: FailureKind::CommandNotExecutable | FailureKind::Host, .. } => 126,
            _ => 1,
        }
    }
}

impl Engine {
    /// Executes a process in a running container.
    ///
    /// # Errors
    /// See [`ExecError`].
    pub fn exec(&self, container: &str, config: &ExecConfig) -> Result<RunningExec, ExecError> {
        if config.command.is_empty() || config.command[0].is_empty() {
            return Err(ExecError::NoCommand);
        }
        let typed = container.to_owned();
        let container = self.read_container(container)?;
        let id = container.id.clone();
        let not_running = || ExecError::NotRunning { container: typed.clone() };
        let (connection, observed) = self.connect(id.as_str())?.ok_or_else(not_running)?;
        match observed.state {
            State::Paused => return Err(ExecError::Paused { container: typed }),
            State::Restarting => return Err(ExecError::Restarting { container: typed }),
            _ => {}
        }
        let desired = documents::read_desired(&self.directories(&id))?.ok_or_else(not_running)?;
        let process = process(config, &container, &desired, &observed)?;
        let exec = ExecId::random();
        let request = Request::Exec {
            id: exec.clone(),
            process: Box::new(process),
            streams: config.streams,
            privileged: config.privileged,
        };
        check_size(&request)?;
        // Told before it is asked for: the monitor tells the end, and that may come at once.
        for action in ["exec_create", "exec_start"] {
            let event = about(&format!("{action}: {}", config.command.join(" ")), &container);
            self.event(&event.with("execID", exec.to_string()));
        }
        match connection.ask(&request)? {
            Reply::ExecStarted { .. } => Ok(RunningExec { container: id, id: exec, connection }),
            Reply::Failed { kind, message } => Err(ExecError::Failed { kind, message }),
            other => Err(ExecError::Failed {
                kind: FailureKind::Host,
                message: format!("the monitor answered {other:?} to an exec"),
            }),
        }
    }
}

fn check_size(request: &Request) -> Result<(), ExecError> {
    let bytes = serde_json::to_vec(request).map_err(ClientError::Malformed)?.len();
    if bytes > MESSAGE_MAX { Err(ExecError::TooLong { bytes, limit: MESSAGE_MAX }) } else { Ok(()) }
}

/// The process: the container's own, with what was asked.
fn process(
    config: &ExecConfig,
    container: &Container,
    desired: &Desired,
    observed: &Observed,
) -> Result<Process, ExecError> {
    let first = desired.spec.process.clone().unwrap_or_default();
    let effective = &container.record.effective;
    let (user, mut env) = match &config.user {
        None => (first.user.clone(), first.env.clone()),
        Some(user) => {
            let account = look_up(user, &container.record.config.group_add, observed)?;
            let env = plan::process_environment(&effective.env, &effective.hostname, false, &account.home);
            let Account { uid, gid, additional_gids, .. } = account;
            (User { uid, gid, additional_gids, ..User::default() }, env)
        }
    };
    if config.tty {
        env = plan::merge_environment(&["TERM=xterm".to_owned()], &env);
    }
    let cwd = match &config.working_dir {
        None => first.cwd.clone(),
        Some(path) if path.starts_with('/') => PathBuf::from(path),
        Some(path) => return Err(PlanError::WorkingDirectory { path: path.clone() }.into()),
    };
    let capabilities = if config.privileged {
        plan::privileged_capabilities(user.uid)
    } else {
        capabilities_for(first.capabilities.as_ref(), user.uid)
    };
    Ok(Process {
        terminal: config.tty,
        console_size: config.terminal_size.map(|(height, width)| ConsoleSize { height, width }),
        cwd,
        env: plan::merge_environment(&env, &config.env),
        args: config.command.clone(),
        capabilities: Some(capabilities),
        user,
        ..first
    })
}

/// Root gets what the container may have; anybody else only the bound of it.
fn capabilities_for(container: Option<&Capabilities>, uid: u32) -> Capabilities {
    let bounding = container.map(|sets| sets.bounding.clone()).unwrap_or_default();
    let own = if uid == 0 { bounding.clone() } else { Vec::new() };
    Capabilities { effective: own.clone(), permitted: own, bounding, ..Capabilities::default() }
}

/// Who `user` is in the running container.
fn look_up(user: &str, group_add: &[String], observed: &Observed) -> Result<Account, ExecError> {
    let files = match &observed.started {
        Some(started) => account_files(started)?,
        None => plan::AccountFiles::default(),
    };
    Ok(plan::lookup_user(user, group_add, &files)?)
}

/// The account files of a running container, through its first process' root.
fn account_files(started: &monitor::facts::Started) -> Result<plan::AccountFiles, FileError> {
    let gone = || FileError::of("open", &PathBuf::from("/etc/passwd"))(std::io::ErrorKind::NotFound.into());
    let root = super::file_system::root_of(started)?.ok_or_else(gone)?;
    let read = |name: &'static str| {
        let bytes = layers::read_in_root(root.as_fd(), name, super::create::ACCOUNT_FILE_MAX)
            .map_err(FileError::of("read", std::path::Path::new(name)))?;
        Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
    };
    Ok(plan::AccountFiles { passwd: read("/etc/passwd")?, group: read("/etc/group")? })
}
