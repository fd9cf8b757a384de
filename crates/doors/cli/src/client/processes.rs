//! Containers as things that run.

use super::{CreateQuery, Refusal, Stream, Streams};
use crate::failure::Failure;
use docker_model::{ContainerCreateRequest, ContainerWaitResponse, ExecCreateRequest};

/// How a container is started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StartQuery {
    /// Streams that are wanted.
    pub(crate) streams: Streams,
    /// Rows and columns of the terminal.
    pub(crate) terminal_size: Option<(u16, u16)>,
    /// We stay until it is released.
    pub(crate) wait: bool,
}

/// A started container or exec.
pub(crate) struct Process {
    /// Id of the container.
    pub(crate) id: String,
    /// Whether it has a terminal.
    pub(crate) tty: bool,
    /// Its streams, if they were asked for or we stay.
    pub(crate) stream: Option<Box<dyn Stream>>,
    /// What a person should know.
    pub(crate) warnings: Vec<String>,
    /// It is removed once it has ended: [`Processes::finish`] does so when we stayed.
    pub(crate) auto_remove: bool,
}

/// How a container is stopped.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopQuery {
    /// Signal by name or number.
    pub(crate) signal: Option<String>,
    /// Seconds until SIGKILL.
    pub(crate) timeout_seconds: Option<i64>,
}

/// Containers as things that run.
pub(crate) trait Processes {
    /// Creates and starts a container.
    fn run(
        &self,
        request: &ContainerCreateRequest,
        query: &CreateQuery<'_>,
        start: &StartQuery,
    ) -> Result<Process, Refusal>;

    /// Starts a container, or joins one that runs.
    fn start(&self, container: &str, query: &StartQuery) -> Result<Process, Failure>;

    /// Removes a container that was started while we waited and has ended, if it is to be removed.
    fn finish(&self, id: &str) -> Result<(), Failure>;

    /// Joins the streams of a running container.
    fn attach(&self, container: &str, streams: Streams) -> Result<Process, Failure>;

    /// Executes a process in a running container.
    fn exec(&self, container: &str, request: &ExecCreateRequest) -> Result<Process, Failure>;

    /// Whether a container has a terminal, and whether its standard input is open.
    fn stdio(&self, container: &str) -> Result<(bool, bool), Failure>;

    /// Sends a signal, by name or number.
    fn kill(&self, container: &str, signal: &str) -> Result<(), Failure>;

    /// Stops a container.
    fn stop(&self, container: &str, query: &StopQuery) -> Result<(), Failure>;

    /// Stops and starts a container.
    fn restart(&self, container: &str, query: &StopQuery) -> Result<(), Failure>;

    /// Waits until a container does not run.
    fn wait(&self, container: &str) -> Result<ContainerWaitResponse, Failure>;

    /// Freezes a container.
    fn pause(&self, container: &str) -> Result<(), Failure>;

    /// Thaws a container.
    fn unpause(&self, container: &str) -> Result<(), Failure>;
}
