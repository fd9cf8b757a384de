//! The engine's end: starting a monitor and talking to it.

use crate::layout::{ContainerDirectories, exec};
use crate::protocol::{FRAME_MAX, Frame, MESSAGE_MAX, Reply, Request};
use kernel::seqpacket;
use rustix::io::Errno;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Why a monitor could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The runtime program could not be started.
    #[error("cannot start {program}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody listens: the container has no monitor.
    #[error("the container has no monitor")]
    NoMonitor,
    /// The connection broke: the monitor died.
    #[error("the container's monitor went away")]
    Gone,
    /// The socket failed.
    #[error("cannot talk to the container's monitor")]
    Socket(#[source] Errno),
    /// An answer that is no answer.
    #[error("the container's monitor answered nonsense")]
    Malformed(#[source] serde_json::Error),
    /// The container's directory could not be opened.
    #[error("cannot open {path}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What a new monitor is given besides its request.
#[derive(Debug)]
pub struct Handover<'a> {
    /// The liveness lock, taken.
    pub live_lock: &'a File,
    /// The container's directory below the data root.
    pub data: &'a File,
    /// The container's directory below the exec root.
    pub exec: &'a File,
    /// The directory of the cgroup2 group that it is born in; the caller's own group when absent.
    pub group: Option<BorrowedFd<'a>>,
}

/// A monitor that was started. It goes on when this is dropped.
#[derive(Debug)]
pub enum MonitorProcess {
    /// In the caller's group.
    Beside(Child),
    /// In a group of its own.
    Sheltered(kernel::process::Child),
}

impl MonitorProcess {
    /// Waits for its end.
    ///
    /// # Errors
    /// When it was waited for already.
    pub fn wait(&mut self) -> io::Result<()> {
        match self {
            Self::Beside(child) => child.wait().map(drop),
            Self::Sheltered(child) => {
                kernel::process::reap(child.pidfd.as_fd()).map(drop).map_err(Into::into)
            }
        }
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it has ended.
    pub fn kill(&mut self) -> io::Result<()> {
        const KILL: i32 = 9;
        match self {
            Self::Beside(child) => child.kill(),
            Self::Sheltered(child) => {
                kernel::process::send_signal(child.pidfd.as_fd(), KILL).map_err(Into::into)
            }
        }
    }
}

/// A conversation with a monitor.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
}

/// One message of a stream connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A frame and its payload.
    Frame(Frame, &'a [u8]),
    /// The monitor closed the connection.
    Closed,
}

/// Starts `program monitor` and sends it `request`.
///
/// The program inherits nothing but the socket, as its standard input: neither arguments nor environment.
///
/// # Errors
/// When the program cannot be started or the request cannot be sent.
pub fn spawn(
    program: &Path,
    request: &Request,
    handover: &Handover<'_>,
) -> Result<(Connection, MonitorProcess), ClientError> {
    let (ours, theirs) = seqpacket::pair().map_err(ClientError::Socket)?;
    let sheltered = handover.group.and_then(|group| spawn_in_group(program, theirs.as_fd(), group));
    let child = match sheltered {
        Some(child) => MonitorProcess::Sheltered(child),
        None => MonitorProcess::Beside(spawn_beside(program, theirs)?),
    };
    let connection = Connection { socket: ours };
    connection.send(request, &[handover.live_lock.as_fd(), handover.data.as_fd(), handover.exec.as_fd()])?;
    Ok((connection, child))
}

fn spawn_beside(program: &Path, socket: OwnedFd) -> Result<Child, ClientError> {
    Command::new(program)
        .arg("monitor")
        .env_clear()
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| ClientError::Spawn { program: program.to_owned(), source })
}

/// `None` when that fails: somebody may just have removed the group, and a monitor beside its caller is a monitor.
fn spawn_in_group(
    program: &Path,
    socket: BorrowedFd<'_>,
    group: BorrowedFd<'_>,
) -> Option<kernel::process::Child> {
    let path = CString::new(program.as_os_str().as_bytes()).ok()?;
    let arguments = [path.clone(), c"monitor".into()];
    kernel::spawn::spawn_in_group(&path, &arguments, socket, group).ok()
}

impl Connection {
    /// Connects to the monitor of a container.
    ///
    /// # Errors
    /// [`ClientError::NoMonitor`] when nobody listens.
    pub fn open(directories: &ContainerDirectories) -> Result<Self, ClientError> {
        let directory = match File::open(&directories.exec) {
            Ok(directory) => directory,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Err(ClientError::NoMonitor),
            Err(source) => return Err(ClientError::Directory { path: directories.exec.clone(), source }),
        };
        match seqpacket::connect(directory.as_fd(), exec::SOCKET) {
            Ok(socket) => Ok(Self { socket }),
            Err(Errno::NOENT | Errno::CONNREFUSED) => Err(ClientError::NoMonitor),
            Err(other) => Err(ClientError::Socket(other)),
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`ClientError::Gone`] when the monitor is dead.
    pub fn send(&self, request: &Request, fds: &[BorrowedFd<'_>]) -> Result<(), ClientError> {
        let bytes = serde_json::to_vec(request).map_err(ClientError::Malformed)?;
        seqpacket::send(self.socket.as_fd(), &bytes, fds).map_err(gone_or_socket)
    }

    /// Waits for the reply and its descriptors.
    ///
    /// # Errors
    /// [`ClientError::Gone`] when the monitor died before it answered.
    pub fn reply(&self) -> Result<(Reply, Vec<OwnedFd>), ClientError> {
        let mut buffer = vec![0; MESSAGE_MAX];
        let (length, fds) = seqpacket::receive(self.socket.as_fd(), &mut buffer).map_err(gone_or_socket)?;
        if length == 0 {
            return Err(ClientError::Gone);
        }
        Ok((serde_json::from_slice(&buffer[..length]).map_err(ClientError::Malformed)?, fds))
    }

    /// Asks and waits.
    ///
    /// # Errors
    /// As [`Self::send`] and [`Self::reply`].
    pub fn ask(&self, request: &Request) -> Result<Reply, ClientError> {
        self.send(request, &[])?;
        Ok(self.reply()?.0)
    }

    /// Sends one frame of a stream connection; `payload` is [`FRAME_MAX`] bytes at the most. Blocks while the
    /// container does not read.
    ///
    /// # Errors
    /// [`ClientError::Gone`] when the monitor is dead.
    pub fn send_frame(&self, frame: Frame, payload: &[u8]) -> Result<(), ClientError> {
        let mut message = Vec::with_capacity(payload.len() + 1);
        message.push(frame as u8);
        message.extend_from_slice(payload);
        seqpacket::send(self.socket.as_fd(), &message, &[]).map_err(gone_or_socket)
    }

    /// Waits for the next frame. `buffer` holds [`FRAME_MAX`] + 1 bytes at least.
    ///
    /// # Errors
    /// When the socket fails; the monitor's going is [`Event::Closed`].
    pub fn next_frame<'a>(&self, buffer: &'a mut [u8]) -> Result<Event<'a>, ClientError> {
        debug_assert!(buffer.len() > FRAME_MAX);
        let (length, _) = match seqpacket::receive(self.socket.as_fd(), buffer) {
            Err(Errno::CONNRESET) => return Ok(Event::Closed),
            other => other.map_err(ClientError::Socket)?,
        };
        match buffer[..length].split_first() {
            None => Ok(Event::Closed),
            Some((byte, payload)) => match Frame::from_byte(*byte) {
                Some(frame) => Ok(Event::Frame(frame, payload)),
                None => Err(ClientError::Socket(Errno::PROTO)),
            },
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn gone_or_socket(errno: Errno) -> ClientError {
    match errno {
        Errno::PIPE | Errno::CONNRESET => ClientError::Gone,
        other => ClientError::Socket(other),
    }
}
