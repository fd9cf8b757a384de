//! Containers as things that are made, looked at and removed.

use super::{CommitOptions, LogEntry, LogQuery, PathStat, PullPolicy};
use crate::failure::Failure;
use crate::filters::Filters;
use docker_model::{
    ContainerCreateRequest, ContainerCreateResponse, ContainerInspect, ContainerStats, ContainerSummary,
    ContainerTopResponse, ContainerUpdateRequest, FilesystemChange,
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

/// Which containers are listed, newest first.
pub(crate) struct ListQuery<'a> {
    /// Also those that do not run.
    pub(crate) all: bool,
    /// So many at the most.
    pub(crate) last: Option<usize>,
    /// With their sizes.
    pub(crate) size: bool,
    /// `--filter` of `ps`.
    pub(crate) filters: &'a Filters,
}

/// The entries of a log, as they come.
pub(crate) type LogEntries<'a> = Box<dyn Iterator<Item = Result<LogEntry, Failure>> + 'a>;

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

/// Containers as things.
pub(crate) trait Containers {
    /// Creates a container.
    fn create(
        &self,
        request: &ContainerCreateRequest,
        query: &CreateQuery<'_>,
    ) -> Result<ContainerCreateResponse, Refusal>;

    /// Lists containers.
    fn list_containers(&self, query: &ListQuery<'_>) -> Result<Vec<ContainerSummary>, Failure>;

    /// Everything about a container; with its sizes, which are slow, if they are asked for.
    fn inspect_container(&self, container: &str, size: bool) -> Result<ContainerInspect, Failure>;

    /// Gives a container another name.
    fn rename(&self, container: &str, name: &str) -> Result<(), Failure>;

    /// Changes limits and restart policy of a container; warnings.
    fn update(&self, container: &str, request: &ContainerUpdateRequest) -> Result<Vec<String>, Failure>;

    /// Removes a container.
    fn remove(&self, container: &str, force: bool, volumes: bool) -> Result<(), Failure>;

    /// Opens the files of a container, running or not.
    fn files(&self, container: &str) -> Result<Box<dyn Files + '_>, Failure>;

    /// What a container changed in its file system.
    fn changes(&self, container: &str) -> Result<Vec<FilesystemChange>, Failure>;

    /// Writes a container's file system as a tar archive.
    fn export(&self, container: &str, out: &mut dyn Write) -> Result<(), Failure>;

    /// Makes an image of what a container has become; its id.
    fn commit(&self, container: &str, options: &CommitOptions) -> Result<String, Failure>;

    /// What a container has printed.
    fn logs(&self, container: &str, query: &LogQuery) -> Result<LogEntries<'_>, Failure>;

    /// Its processes as a table: Docker's own without options, else what ps(1) makes of them.
    fn top(&self, container: &str, options: &[&str]) -> Result<ContainerTopResponse, Failure>;

    /// What it uses at this moment; all zero while it does not run.
    fn stats(&self, container: &str) -> Result<ContainerStats, Failure>;
}
