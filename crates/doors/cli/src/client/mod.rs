//! What the verbs are written against.
//!
//! [`Client`] is the sum of small traits in Docker's words: [`Containers`], [`Processes`], [`Images`]. [`local`] implements
//! them with the engine in this process; a connection to a server can stand in its place. What is not there fails with
//! [`Failure::missing`](crate::failure::Failure::missing) set, as a server answers 404.

mod containers;
mod images;
pub(crate) mod local;
mod processes;
mod stream;

pub(crate) use containers::{Containers, CreateQuery, Files, ListQuery, LogEntries, Refusal};
pub(crate) use images::Images;
pub(crate) use processes::{Process, Processes, StartQuery, StopQuery};
pub(crate) use stream::{Happened, Stream};

/// Plain data for which the engine's types say all there is to say.
pub(crate) use engine::{CommitOptions, LogEntry, LogQuery, LogStream, PathStat, PullPolicy, Streams};

/// Whoever has the containers, images, networks and volumes.
pub(crate) trait Client: Containers + Processes + Images {}

impl<T: Containers + Processes + Images> Client for T {}
