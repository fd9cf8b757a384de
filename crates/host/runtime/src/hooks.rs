//! Hooks: programs of others that are run at points of a container's life (config.md, "POSIX-platform Hooks").
//!
//! Each gets the container's state (runtime.md, "State") as JSON on its standard input. They are the one place where
//! a launch runs other programs, and only where a spec asks for them.

use crate::error::Cause;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use serde::Serialize;
use spec::runtime::{Hook, Spec};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How much of what a failed hook wrote to standard error is told.
const STDERR_BYTES_MAX: u64 = 1024;

/// What a hook is told.
#[derive(Debug, Clone, Copy)]
pub struct HookState<'a> {
    /// The container's id.
    pub id: &'a str,
    /// The bundle's directory.
    pub bundle: &'a Path,
    /// The container's first process as the host numbers it; 0 when there is none any more.
    pub pid: i32,
    /// `creating`, `created`, `running` or `stopped`.
    pub status: &'a str,
    /// The spec, for its version and annotations.
    pub spec: &'a Spec,
}

/// Why a hook failed.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It could not be run.
    #[error("hook {}", path.display())]
    Run {
        /// Its program.
        path: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// It ended with an error.
    #[error("hook {} ended with {status}{}", path.display(), said(.stderr))]
    Failed {
        /// Its program.
        path: PathBuf,
        /// How it ended.
        status: String,
        /// The beginning of what it wrote to standard error.
        stderr: String,
    },
    /// It took longer than its `timeout` and was killed.
    #[error("hook {} did not end within {seconds} s", path.display())]
    TimedOut {
        /// Its program.
        path: PathBuf,
        /// Its `timeout`.
        seconds: u32,
    },
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(", saying {stderr:?}") }
}

/// The state in the form that hooks and `state` commands show.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StateDocument<'a> {
    oci_version: &'a str,
    id: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    pid: i32,
    bundle: &'a Path,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    annotations: &'a std::collections::BTreeMap<String, String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

impl HookState<'_> {
    /// The state as JSON (runtime.md, "State").
    #[must_use]
    pub fn to_json(&self) -> String {
        // A bundle path that is no UTF-8 is the one thing that could fail.
        serde_json::to_string(&self.document()).unwrap_or_default()
    }

    pub(crate) fn document(&self) -> StateDocument<'_> {
        StateDocument {
            oci_version: &self.spec.oci_version,
            id: self.id,
            status: self.status,
            pid: self.pid,
            bundle: self.bundle,
            annotations: &self.spec.annotations,
        }
    }
}

/// Runs hooks in their order; the first that fails ends it.
///
/// # Errors
/// [`HookError`] of the one that failed.
pub fn run(hooks: &[Hook], state: &HookState<'_>) -> Result<(), HookError> {
    if hooks.is_empty() {
        return Ok(());
    }
    let document = state.to_json();
    hooks.iter().try_for_each(|hook| run_one(hook, &document))
}

fn run_one(hook: &Hook, document: &str) -> Result<(), HookError> {
    let failed = |error: std::io::Error| {
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        HookError::Run { path: hook.path.clone(), source: Cause(errno) }
    };
    let mut command = Command::new(&hook.path);
    if let Some((name, rest)) = hook.args.split_first() {
        command.arg0(name).args(rest);
    }
    command.env_clear().envs(hook.env.iter().filter_map(|entry| entry.split_once('=')));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // A hook that does not read it is none the worse for it.
        let _ = input.write_all(document.as_bytes());
    }
    let Some(status) = wait(&mut child, hook.timeout).map_err(failed)? else {
        let _ = child.kill().and_then(|()| child.wait());
        return Err(HookError::TimedOut { path: hook.path.clone(), seconds: hook.timeout.unwrap_or(0) });
    };
    if status.success() {
        return Ok(());
    }
    let mut stderr = Vec::new();
    if let Some(output) = child.stderr.take() {
        let _ = output.take(STDERR_BYTES_MAX).read_to_end(&mut stderr);
    }
    let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
    Err(HookError::Failed { path: hook.path.clone(), status: describe(status), stderr })
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

/// Waits for its end; `None` when that takes longer than it may.
fn wait(child: &mut Child, seconds: Option<u32>) -> std::io::Result<Option<ExitStatus>> {
    let Some(seconds) = seconds else { return child.wait().map(Some) };
    let pidfd = kernel::process::pidfd_open(child.id().cast_signed())?;
    let deadline = Instant::now() + Duration::from_secs(seconds.into());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        let timeout = Timespec::try_from(left).map_err(|_| std::io::Error::from(Errno::INVAL))?;
        match poll(&mut [PollFd::new(&pidfd.as_fd(), PollFlags::IN)], Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(script: &str) -> Hook {
        Hook {
            path: "/bin/sh".into(),
            args: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec!["A=b".into(), "PATH=/usr/bin:/bin".into()],
            timeout: None,
        }
    }

    fn run_hook(hook: Hook) -> Result<(), HookError> {
        let spec = Spec { oci_version: "1.3.0".into(), ..Spec::default() };
        run(
            &[hook],
            &HookState { id: "c1", bundle: Path::new("/b"), pid: 7, status: "creating", spec: &spec },
        )
    }

    #[test]
    fn a_hook_gets_the_state_and_its_own_environment() {
        let expected = r#"{"ociVersion":"1.3.0","id":"c1","status":"creating","pid":7,"bundle":"/b"}"#;
        run_hook(hook(&format!("[ \"$(cat)\" = '{expected}' ] && [ $A = b ]"))).unwrap();
    }

    #[test]
    fn a_failing_hook_says_why() {
        let error = run_hook(hook("echo broken >&2; exit 3")).unwrap_err();
        assert_eq!(error.to_string(), "hook /bin/sh ended with exit code 3, saying \"broken\"");
        let missing = Hook { path: "/nowhere".into(), ..hook("") };
        assert!(matches!(run_hook(missing), Err(HookError::Run { source: Cause(Errno::NOENT), .. })));
    }

    #[test]
    fn a_hook_that_hangs_is_killed() {
        let slow = Hook { timeout: Some(1), ..hook("exec sleep 30") };
        assert!(matches!(run_hook(slow), Err(HookError::TimedOut { seconds: 1, .. })));
    }
}
