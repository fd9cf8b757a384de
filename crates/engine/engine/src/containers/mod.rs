//! Containers: one file per use case.

mod attach;
mod control;
mod create;
mod exec;
mod inspect;
mod list;
mod logs;
mod lookup;
mod remove;
mod rename;
mod run;
mod start;
mod stop;
mod wait;

pub use attach::{AttachError, Attached};
pub use control::{ControlError, ProcessInfo};
pub use create::{CreateError, CreateOptions, Created, PullPolicy};
pub use exec::{ExecConfig, ExecError, RunningExec};
pub use list::ListFilter;
pub use logs::{LogEntry, LogQuery, LogReader, LogStream, LogsError};
pub use lookup::LookupError;
pub use remove::{RemoveError, RemoveOptions};
pub use rename::RenameError;
pub use run::RunError;
pub use start::{Running, StartError, StartOptions};
pub use stop::{StopError, StopOptions};
pub use wait::{WaitCondition, WaitError, WaitOutcome};
