//! An image of what a container has become: `commit`.
//!
//! A running container is frozen while its writable layer is read, unless it shall not be. The freeze lasts as long as
//! our connection to its monitor: whatever becomes of us, the container goes on.

use super::LookupError;
use super::changes::Comparison;
use super::launch::ConnectError;
use super::lookup::Held;
use super::record::Record;
use crate::Engine;
use crate::documents::{self, FileError};
use crate::events::about;
use crate::model::MountSource;
use archive::{OverlayXattr, TreeOptions, Whiteouts, WriteError, write_tree};
use ids::Reference;
use image::{GetError, Image, ImportError};
use monitor::client::{ClientError, Connection};
use monitor::protocol::{Reply, Request};
use monitor::status::State;
use spec::image::{Empty, ExecutionConfig};
use spec::rootfs::Rootfs;
use state::StateError;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::Path;

/// What the image shall be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitOptions {
    /// Its name.
    pub reference: Option<Reference>,
    /// Who made it.
    pub author: Option<String>,
    /// The comment of its history.
    pub message: Option<String>,
    /// Dockerfile instructions applied to its configuration.
    pub changes: Vec<String>,
    /// Freeze the container meanwhile.
    pub pause: bool,
}

/// Why no image was made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Its image is not there any more.
    #[error("cannot commit container {container}: its image cannot be had")]
    Image {
        /// As typed.
        container: String,
        /// Why.
        #[source]
        source: GetError,
    },
    /// Its file system has no layer of its own.
    #[error("cannot commit container {container}: its file system is not made of layers")]
    NoLayers {
        /// As typed.
        container: String,
    },
    /// It could not be frozen.
    #[error("cannot freeze container {container}: {message}")]
    Freeze {
        /// As typed.
        container: String,
        /// The monitor's line.
        message: String,
    },
    /// What it changed could not be read.
    #[error("cannot read the changes of container {container}")]
    Read {
        /// As typed.
        container: String,
        /// Why.
        #[source]
        source: WriteError,
    },
    /// The image could not be stored.
    #[error(transparent)]
    Store(#[from] ImportError),
    /// Its monitor could not be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file of it.
    #[error(transparent)]
    File(#[from] FileError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What keeps the container as it is.
enum Still {
    /// It runs, frozen as long as the connection lasts.
    Frozen(#[expect(dead_code, reason = "held, not read")] Connection),
    /// It runs and goes on, or is paused already.
    Running,
    /// It does not run, and nobody starts it.
    Stopped(#[expect(dead_code, reason = "held, not read")] Box<Held>),
}

impl Engine {
    /// Makes an image of a container: its image with its changes as one more layer, and its configuration. What is
    /// mounted upon it is no part of it.
    ///
    /// # Errors
    /// See [`CommitError`]; no image is left then.
    pub fn commit(&self, container: &str, options: &CommitOptions) -> Result<Image, CommitError> {
        let query = container.to_owned();
        let container = self.read_container(container)?;
        let parent = self
            .images()?
            .get(container.image.as_str())
            .map_err(|source| CommitError::Image { container: query.clone(), source })?;
        let still = self.keep_still(container.id.as_str(), &query, options.pause)?;
        let desired = documents::read_desired(&self.directories(&container.id))?
            .ok_or_else(|| LookupError::Incomplete { id: container.id.clone() })?;
        let no_layers = || CommitError::NoLayers { container: query.clone() };
        let Rootfs::Overlay { userxattr, .. } = &desired.rootfs else { return Err(no_layers()) };
        let xattr = if *userxattr { OverlayXattr::User } else { OverlayXattr::Trusted };
        let failed =
            |source| FileError { action: "read", path: "the changes of the container".into(), source };
        let comparison = Comparison::open(&desired).map_err(failed)?.ok_or_else(no_layers)?;
        let store = image::CommitOptions {
            config: configuration(&container.record, &parent),
            changes: options.changes.clone(),
            author: options.author.clone(),
            message: options.message.clone(),
            created_by: container.record.effective.command.join(" "),
        };
        let image = self.store_layer(&query, &comparison, xattr, still, |layer| {
            Ok(self.images()?.commit(&parent, layer, &store, options.reference.as_ref())?)
        })?;
        self.event(&about("commit", &container).with("imageID", image.id.to_string()));
        Ok(image)
    }

    /// Reads the writable layer as an archive in a thread of its own, and stores it.
    fn store_layer(
        &self,
        query: &str,
        comparison: &Comparison,
        xattr: OverlayXattr,
        still: Still,
        store: impl FnOnce(&mut dyn Read) -> Result<Image, CommitError>,
    ) -> Result<Image, CommitError> {
        let filter = |path: &Path| !comparison.is_placeholder(path);
        let pipe = io::pipe().map_err(|source| FileError { action: "make", path: "a pipe".into(), source });
        let (reader, writer) = pipe?;
        let (written, stored) = std::thread::scope(|scope| {
            let sender = scope.spawn(move || {
                let tree = TreeOptions {
                    whiteouts: Whiteouts::Overlay { xattr },
                    filter: Some(&filter),
                    ..TreeOptions::default()
                };
                write_tree(comparison.upper.as_fd(), io::BufWriter::with_capacity(1 << 16, writer), &tree)
            });
            let mut layer = UntilEnd { reader: Some(reader), still: Some(still) };
            let stored = store(&mut layer);
            drop(layer);
            (sender.join(), stored)
        });
        match written {
            Ok(Err(source)) if !is_broken_pipe(&source) => {
                Err(CommitError::Read { container: query.to_owned(), source })
            }
            _ => stored,
        }
    }

    /// Sees to it that the container does not change its files.
    fn keep_still(&self, id: &str, query: &str, pause: bool) -> Result<Still, CommitError> {
        loop {
            if let Some((connection, observed)) = self.connect(id)? {
                if !pause || observed.state != State::Running {
                    return Ok(Still::Running);
                }
                return match connection.ask(&Request::Freeze)? {
                    Reply::Done => Ok(Still::Frozen(connection)),
                    Reply::Failed { message, .. } => {
                        Err(CommitError::Freeze { container: query.to_owned(), message })
                    }
                    other => Err(CommitError::Freeze {
                        container: query.to_owned(),
                        message: format!("its monitor answered {other:?}"),
                    }),
                };
            }
            let held = self.hold(id)?;
            if !super::observe::observe(&held.directories).is_up() {
                return Ok(Still::Stopped(Box::new(held)));
            }
        }
    }
}

fn is_broken_pipe(error: &WriteError) -> bool {
    matches!(error, WriteError::Output { source } if source.kind() == ErrorKind::BrokenPipe)
}

/// Lets the container go on as soon as its layer was read to the end.
struct UntilEnd {
    reader: Option<io::PipeReader>,
    still: Option<Still>,
}

impl Read for UntilEnd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let count = reader.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.still = None;
        }
        Ok(count)
    }
}

/// How to run what the container has become: as the container was run.
fn configuration(record: &Record, parent: &Image) -> ExecutionConfig {
    let effective = &record.effective;
    let parent = &parent.config.config;
    let mut volumes = parent.volumes.clone();
    // As Docker has it: anonymous volumes of the request are the configuration's, others are the host's.
    for mount in &record.config.mounts {
        if matches!(&mount.source, MountSource::Volume { name: None, .. }) {
            volumes.insert(mount.target.clone(), Empty {});
        }
    }
    let port = |port: &crate::model::ExposedPort| (format!("{}/{}", port.port, port.protocol), Empty {});
    ExecutionConfig {
        user: effective.user.clone(),
        exposed_ports: effective.exposed_ports.iter().map(port).collect(),
        env: effective.env.clone(),
        entrypoint: effective.entrypoint.clone(),
        cmd: effective.command.clone(),
        volumes,
        working_dir: effective.working_dir.clone(),
        labels: effective.labels.clone(),
        stop_signal: effective.stop_signal.clone(),
        healthcheck: effective.healthcheck.clone(),
        on_build: parent.on_build.clone(),
        shell: parent.shell.clone(),
    }
}
