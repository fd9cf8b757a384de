//! What the verbs are written against.
//!
//! [`Client`] is the sum of small traits in Docker's words: [`Containers`], [`Processes`], [`Images`], [`Networks`],
//! [`Volumes`], [`System`]. [`local`] implements them with the engine in this process; a connection to a server can
//! stand in its place. What is not there fails with [`Failure::missing`](crate::failure::Failure::missing) set, as a
//! server answers 404.

mod containers;
mod images;
pub(crate) mod local;
mod networks;
mod processes;
mod stream;
mod system;
mod volumes;

pub(crate) use containers::{Containers, CreateQuery, Files, ListQuery, LogEntries, Refusal};
pub(crate) use images::Images;
pub(crate) use networks::Networks;
pub(crate) use processes::{Process, Processes, StartQuery, StopQuery};
pub(crate) use stream::{Happened, Stream};
pub(crate) use system::{EventMessages, PruneQuery, Pruned, System};
pub(crate) use volumes::Volumes;

/// Plain data for which the engine's types say all there is to say.
pub(crate) use engine::image::PruneScope;
pub(crate) use engine::networks::{InvalidSubnet, Ipv4Subnet, NetworkConfig};
pub(crate) use engine::system::EventQuery;
pub(crate) use engine::{CommitOptions, LogEntry, LogQuery, LogStream, PathStat, PullPolicy, Streams};

/// Whoever has the containers, images, networks and volumes.
pub(crate) trait Client: Containers + Processes + Images + Networks + Volumes + System {}

impl<T: Containers + Processes + Images + Networks + Volumes + System> Client for T {}
