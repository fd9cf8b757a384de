//! What can go wrong on the command line.

use cgroup::CgroupError;
use runtime::seccomp::CompileError;
use runtime::{Cause, LaunchError, hooks::HookError, seal::SealError};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The arguments are not those of any command.
    #[error("{problem}; see `sampan-runtime --help`")]
    Usage { problem: String },
    /// An id that could be a path, or worse.
    #[error("invalid container id {id:?}: 1 to 1024 of [a-zA-Z0-9_+.-], and neither . nor ..")]
    InvalidId { id: String },
    /// `create` and `run` of an id that is in use.
    #[error("container {id:?} exists already; delete it or choose another id")]
    Exists { id: String },
    /// No such container in the root directory.
    #[error("container {id:?} does not exist")]
    NotFound { id: String },
    /// The container is not in a state for the command.
    #[error("container {id:?} is {status}; {needed}")]
    WrongState { id: String, status: &'static str, needed: &'static str },
    /// A file or directory could not be used.
    #[error("{action} {}", path.display())]
    Path {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: Cause,
    },
    /// A document is no JSON, or not of its form.
    #[error("{}", path.display())]
    Document {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// `config.json` lacks what the command needs.
    #[error("{}: {problem}", path.display())]
    Bundle { path: PathBuf, problem: &'static str },
    /// The process could not be signalled, waited for or talked with.
    #[error("{action}")]
    Process {
        action: &'static str,
        #[source]
        source: Cause,
    },
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error("linux.seccomp")]
    Seccomp(#[from] CompileError),
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Checkpoints are CRIU's work, and it cannot do it.
    #[error("cannot {what} the container: {reason}")]
    Criu { what: &'static str, reason: String },
    /// A signal for a container that has no process; engines know it by these words of runc's.
    #[error("container not running: {id:?} is stopped")]
    NotRunning { id: String },
    /// `ps` of procps did not do its part.
    #[error("list the processes with ps {options}: {reason}")]
    Ps { options: String, reason: String },
    /// What the user asked for is not something that this runtime does.
    #[error("{what} is not supported")]
    Unsupported { what: String },
}

impl CliError {
    /// For `map_err` on calls about a path.
    pub(crate) fn path(action: &'static str, path: &Path) -> impl FnOnce(Errno) -> CliError {
        let path = path.to_owned();
        move |errno| CliError::Path { action, path, source: Cause(errno) }
    }

    /// The same for the standard library's errors.
    pub(crate) fn std_path(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> CliError {
        let path = path.to_owned();
        move |error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            CliError::Path { action, path, source: Cause(errno) }
        }
    }

    /// For `map_err` on calls about the container's process.
    pub(crate) fn process(action: &'static str) -> impl FnOnce(Errno) -> CliError {
        move |errno| CliError::Process { action, source: Cause(errno) }
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
