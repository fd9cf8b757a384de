//! The messages between engine and monitor.
//!
//! One JSON document per message of a `SOCK_SEQPACKET` socket; descriptors travel as `SCM_RIGHTS`. A connection
//! carries one request and its reply; [`Request::Launch`], [`Request::Exec`] and [`Request::Attach`] with streams then
//! turn it into a stream connection, whose messages start with a [`Frame`] byte. A monitor answers requests of the
//! previous protocol version too.

use crate::facts::Exited;
use crate::sample::Sample;
use ids::ExecId;
use serde::{Deserialize, Serialize};
use spec::runtime::Process;

/// Version of this protocol.
pub const VERSION: u32 = 1;

/// Bytes of one message at the most, in both directions.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// Payload of one stream frame at the most, without the frame byte.
pub const FRAME_MAX: usize = 32 * 1024;

/// What an engine asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// First message to a new monitor, on its standard input, with the descriptors `[live lock, data directory, exec
    /// directory]`: carry out `desired.json`. Answered by [`Reply::Started`] or [`Reply::Failed`].
    Launch {
        /// [`VERSION`].
        protocol: u32,
        /// The monitor's build id must be this.
        build: String,
        /// Instance whose host-global names are used.
        instance: ids::InstanceId,
        /// What to do.
        mode: LaunchMode,
        /// Streams that this connection wants.
        streams: Streams,
        /// First size of the terminal, rows and columns.
        terminal_size: Option<(u16, u16)>,
        /// The engine stays until [`Frame::Released`] and removes the container itself if it is `auto_remove`.
        engine_waits: bool,
        /// Nanoseconds of `CLOCK_BOOTTIME` when the user's command began, for traces.
        command_began_ns: Option<u64>,
    },
    /// Streams of the container's first process. Answered by [`Reply::Attached`].
    Attach {
        /// Which.
        streams: Streams,
    },
    /// Another process in the running container. Answered by [`Reply::ExecStarted`] or [`Reply::Failed`].
    Exec {
        /// Its id.
        id: ExecId,
        /// The process, complete (environment, user, capabilities).
        process: Box<Process>,
        /// Streams that this connection wants; none detaches.
        streams: Streams,
        /// Whether it is as privileged as the container may be told to be: no filter of system calls.
        privileged: bool,
    },
    /// A signal to the first process. Answered by [`Reply::Done`].
    Signal {
        /// Number.
        signal: i32,
    },
    /// The stop signal, later SIGKILL. Answered by [`Reply::Exited`] when it has ended.
    Stop {
        /// Number.
        signal: i32,
        /// Seconds until SIGKILL; negative waits for ever.
        timeout_seconds: i64,
    },
    /// Freeze. Answered by [`Reply::Done`].
    Pause,
    /// Thaw. Answered by [`Reply::Done`].
    Unpause,
    /// New size of the terminal of the first process, or of an exec's. Answered by [`Reply::Done`].
    Resize {
        /// The exec; absent for the first process.
        exec: Option<ExecId>,
        /// Rows.
        rows: u16,
        /// Columns.
        columns: u16,
    },
    /// Answered by [`Reply::Exited`] at the next end of the first process that policy does not answer with a restart,
    /// or at any end when `any` is set.
    Wait {
        /// Restarts count as ends.
        any: bool,
    },
    /// Process ids in the container, of the host's namespace. Answered by [`Reply::Processes`].
    Processes,
    /// What the container uses. Answered by [`Reply::Stats`] or [`Reply::Failed`].
    Stats,
    /// Answered by [`Reply::Namespace`] with one descriptor.
    OpenNamespace {
        /// `net`, `ipc`, `uts`, `pid` or `mnt`.
        kind: String,
    },
    /// `desired.json` has a new generation: carry out what can be changed live (limits, restart policy). Answered by
    /// [`Reply::Done`] or [`Reply::Failed`].
    Update {
        /// The generation that must be found there.
        generation: u64,
    },
    /// Freeze as long as this connection lasts: whatever becomes of who asked, the container goes on. It is no pause
    /// that others see. Answered by [`Reply::Done`].
    Freeze,
    /// Log files were moved: open them anew. Answered by [`Reply::Done`].
    ReopenLog,
}

/// What a new monitor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaunchMode {
    /// Start the container.
    Start,
    /// Take over a running container whose monitor died.
    Adopt,
    /// Record the end of a container that died with its monitor, let go of what it held, then follow the policy.
    Recover,
}

/// Which streams a connection wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    /// Sends [`Frame::Stdin`].
    pub stdin: bool,
    /// Receives [`Frame::Stdout`].
    pub stdout: bool,
    /// Receives [`Frame::Stderr`].
    pub stderr: bool,
}

impl Streams {
    /// Whether the connection becomes a stream connection.
    #[must_use]
    pub fn any(self) -> bool {
        self.stdin || self.stdout || self.stderr
    }
}

/// What a monitor answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// The container runs.
    Started {
        /// Process id in the host's namespace.
        pid: i32,
    },
    /// The connection is a stream connection now.
    Attached,
    /// The process runs.
    ExecStarted {
        /// Process id in the host's namespace.
        pid: i32,
    },
    /// The request is carried out.
    Done,
    /// The first process has ended.
    Exited(Exited),
    /// The processes.
    Processes {
        /// Process ids of the host's namespace.
        pids: Vec<i32>,
    },
    /// Counters of this moment.
    Stats(Box<Sample>),
    /// The descriptor is with this message.
    Namespace,
    /// The request was refused or failed.
    Failed {
        /// What kind of failure.
        kind: FailureKind,
        /// One line for a person.
        message: String,
    },
}

/// What kind of failure a monitor reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The command was not found: exit code 127.
    CommandNotFound,
    /// The command cannot be executed: exit code 126.
    CommandNotExecutable,
    /// A published port is taken.
    PortInUse,
    /// The container's state forbids it.
    WrongState,
    /// Engine and monitor are of different builds.
    BuildMismatch,
    /// Anything else that went wrong on the host: exit code 125.
    Host,
}

/// First byte of each message of a stream connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Frame {
    /// To the monitor: bytes for standard input; an empty payload ends it.
    Stdin = 0,
    /// To the engine: bytes of standard output, or of the terminal.
    Stdout = 1,
    /// To the engine: bytes of standard error.
    Stderr = 2,
    /// To the engine, after all output: the process has ended; payload is an [`Exited`] document.
    Exit = 3,
    /// To the engine: nothing of the sandbox is left but kernel-slow work; last message.
    Released = 4,
    /// To the monitor: new size of the terminal; payload is rows and columns, two `u16`, little endian.
    Resize = 5,
}

impl Frame {
    /// The frame with this byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Stdin, Self::Stdout, Self::Stderr, Self::Exit, Self::Released, Self::Resize]
            .into_iter()
            .find(|frame| *frame as u8 == byte)
    }
}
