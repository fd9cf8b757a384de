//! Executing in a running container.

use serde::{Deserialize, Serialize};

/// `POST /containers/{id}/exec`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ExecCreateRequest {
    /// `user[:group]`.
    pub user: String,
    /// All capabilities.
    pub privileged: bool,
    /// A terminal.
    pub tty: bool,
    /// Rows and columns of the terminal at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_size: Option<[u16; 2]>,
    /// Attach standard input.
    pub attach_stdin: bool,
    /// Attach standard error.
    pub attach_stderr: bool,
    /// Attach standard output.
    pub attach_stdout: bool,
    /// Do not wait.
    pub detach: bool,
    /// Keys that detach.
    pub detach_keys: String,
    /// `NAME=value`.
    pub env: Option<Vec<String>>,
    /// Working directory.
    pub working_dir: String,
    /// Program and arguments.
    pub cmd: Option<Vec<String>>,
}

/// `GET /exec/{id}/json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecInspect {
    /// Id.
    #[serde(rename = "ID")]
    pub id: String,
    /// It runs.
    #[serde(rename = "Running")]
    pub running: bool,
    /// Exit code; `null` while it runs.
    #[serde(rename = "ExitCode")]
    pub exit_code: Option<i64>,
    /// The container.
    #[serde(rename = "ContainerID")]
    pub container_id: String,
    /// Process id on the host.
    #[serde(rename = "Pid")]
    pub pid: i64,
}
