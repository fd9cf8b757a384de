//! What commands need of whoever runs containers, in Docker's words.
//!
//! [`Lifecycle`] is implemented by the engine in this process ([`engine`](self::engine)); a connection to a server can
//! implement it as well. Questions that change nothing are elsewhere.

mod engine;
mod files;
mod stream;
pub(crate) mod to_engine_create;
mod to_engine_mounts;

pub(crate) use stream::{Happened, Stream};

use crate::failure::Failure;
use ::engine::image::{Progress, Pulled};
use ::engine::{PathStat, PullPolicy, Streams};
use docker_model::{
    ContainerCreateRequest, ContainerCreateResponse, ContainerUpdateRequest, ContainerWaitResponse,
    ExecCreateRequest,
};
use std::io::{Read, Write};

/// What comes with a request to create a container, outside its body.
pub(crate) struct CreateQuery<'a> {
    /// Its name.
    pub(crate) name: Option<&'a str>,
    /// `os/arch[/variant]`.
    pub(crate) platform: Option<&'a str>,
    /// Whether [`Refusal::NoImage`] is of use: only with [`PullPolicy::Missing`].
    pub(crate) pull: PullPolicy,
}

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
    /// It is removed once it has ended: [`Lifecycle::finish`] does so when we stayed.
    pub(crate) auto_remove: bool,
}

/// Why a container was not created.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Its image is not there, and may be pulled.
    NoImage,
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// How a container is stopped.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopQuery {
    /// Signal by name or number.
    pub(crate) signal: Option<String>,
    /// Seconds until SIGKILL.
    pub(crate) timeout_seconds: Option<i64>,
}

/// The files of one container, open as long as the value lives.
pub(crate) trait Files {
    /// What is at a path; a link itself, unless the path ends in a slash.
    fn stat(&self, path: &str) -> Result<PathStat, Failure>;

    /// Writes what is at a path as a tar archive, its entries beginning with `name` if one is given.
    fn archive(&self, path: &str, name: Option<&[u8]>, out: &mut dyn Write) -> Result<PathStat, Failure>;

    /// Extracts an archive into a directory; `owned_by_user` gives everything to the user of the container.
    fn extract(
        &self,
        directory: &str,
        owned_by_user: bool,
        content: &mut (dyn Read + Send),
    ) -> Result<(), Failure>;
}

/// Whoever runs containers.
pub(crate) trait Lifecycle {
    /// Creates a container.
    fn create(
        &self,
        request: &ContainerCreateRequest,
        query: &CreateQuery<'_>,
    ) -> Result<ContainerCreateResponse, Refusal>;

    /// Creates and starts a container.
    fn run(
        &self,
        request: &ContainerCreateRequest,
        query: &CreateQuery<'_>,
        start: &StartQuery,
    ) -> Result<Process, Refusal>;

    /// Pulls an image, whether it is there or not.
    fn pull(&self, image: &str, platform: Option<&str>, progress: &dyn Progress) -> Result<Pulled, Failure>;

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

    /// Removes a container.
    fn remove(&self, container: &str, force: bool, volumes: bool) -> Result<(), Failure>;

    /// Freezes a container.
    fn pause(&self, container: &str) -> Result<(), Failure>;

    /// Thaws a container.
    fn unpause(&self, container: &str) -> Result<(), Failure>;

    /// Gives a container another name.
    fn rename(&self, container: &str, name: &str) -> Result<(), Failure>;

    /// Changes limits and restart policy of a container; warnings.
    fn update(&self, container: &str, request: &ContainerUpdateRequest) -> Result<Vec<String>, Failure>;

    /// Opens the files of a container, running or not.
    fn files(&self, container: &str) -> Result<Box<dyn Files + '_>, Failure>;
}
