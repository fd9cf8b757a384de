//! What happened: small documents that the monitor writes and anybody reads.
//!
//! Each is replaced atomically (written beside, renamed). A fact from another boot says nothing about processes; a
//! fact that does not parse (torn by a power loss) counts as absent.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;

/// The container's first process runs, or ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// Process id in the host's namespace.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat`: with `pid` and `boot_id` it names one process for good.
    pub start_time_ticks: u64,
    /// The monitor's process id.
    pub monitor_pid: i32,
    /// [`crate::desired::Desired::generation`] that was carried out.
    pub generation: u64,
    /// RFC 3339 with nanoseconds, UTC.
    pub started_at: String,
    /// Restarts by policy since the user started it.
    pub restart_count: u32,
    /// Whether it is paused.
    #[serde(default)]
    pub paused: bool,
}

/// The container's first process has ended, or could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exited {
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// As a shell has it: the code, or 128 plus the signal.
    pub exit_code: i32,
    /// The kernel killed a process of it for lack of memory.
    pub oom_killed: bool,
    /// Why it could not be started, or why its end is not known (`monitor-lost`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// RFC 3339 with nanoseconds, UTC; empty when it never started.
    #[serde(default)]
    pub started_at: String,
    /// RFC 3339 with nanoseconds, UTC.
    pub finished_at: String,
    /// Restarts by policy so far.
    pub restart_count: u32,
    /// Another start by policy is due; cleared in the last record.
    #[serde(default)]
    pub restarting: bool,
}

/// The user has asked the container to end; policy must not start it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopIntent {
    /// RFC 3339 with nanoseconds, UTC.
    pub at: String,
}

/// What the health probes say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The verdict.
    pub status: HealthStatus,
    /// Failures in a row.
    pub failing_streak: u32,
    /// The last probes, oldest first, five at the most.
    pub log: Vec<Probe>,
}

/// Verdict of the health probes, in Docker's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthStatus {
    /// No verdict yet.
    #[default]
    Starting,
    /// The last probe succeeded.
    Healthy,
    /// As many failures in a row as the plan allows.
    Unhealthy,
}

/// One probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// RFC 3339 with nanoseconds, UTC.
    pub start: String,
    /// RFC 3339 with nanoseconds, UTC.
    pub end: String,
    /// Exit code; -1 when it took too long.
    pub exit_code: i32,
    /// What it printed, 4096 bytes at the most.
    pub output: String,
}

/// This boot's id.
///
/// Empty when `/proc` cannot be read; then no fact is of this boot.
pub fn boot_id() -> &'static str {
    static BOOT_ID: OnceLock<String> = OnceLock::new();
    BOOT_ID.get_or_init(|| {
        fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    })
}

/// When a process started, in clock ticks since boot (`/proc/PID/stat`, field 22, proc(5)); `None` when there is no
/// such process.
#[must_use]
pub fn start_time_ticks(pid: i32) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything, parentheses too: fields are counted from the last one.
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end_of_name + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

impl Started {
    /// Whether the process that this fact names still exists: zombies count as gone.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.boot_id == boot_id()
            && start_time_ticks(self.pid) == Some(self.start_time_ticks)
            && !is_zombie(self.pid)
    }
}

fn is_zombie(pid: i32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.iter().rposition(|byte| *byte == b')').and_then(|at| stat.get(at + 2));
    matches!(after_name, None | Some(b'Z' | b'X'))
}

/// Reads a fact; `None` when there is none or it is torn.
#[must_use]
pub fn read<T: DeserializeOwned>(directory: &Path, name: &str) -> Option<T> {
    serde_json::from_slice(&fs::read(directory.join(name)).ok()?).ok()
}

/// How far a document must be on disk when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives the death of any process.
    Process,
    /// Survives a loss of power: file and directory are synced.
    Power,
}

/// Replaces a document atomically.
///
/// # Errors
/// Whatever writing, syncing or renaming report; the old document is then still there.
pub fn write<T: Serialize>(
    directory: &Path,
    name: &str,
    value: &T,
    durability: Durability,
) -> io::Result<()> {
    let temporary = directory.join(format!("{name}.{}.tmp", std::process::id()));
    let result = (|| {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        if durability == Durability::Power {
            file.sync_all()?;
        }
        fs::rename(&temporary, directory.join(name))?;
        if durability == Durability::Power {
            fs::File::open(directory)?.sync_all()?;
        }
        Ok(())
    })();
    if result.is_err() {
        // Best effort: the next repair sweeps `*.tmp`.
        let _ = fs::remove_file(&temporary);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_named_by_its_start() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let mut fact = Started {
            boot_id: boot_id().to_owned(),
            pid,
            start_time_ticks: start_time_ticks(pid).unwrap(),
            monitor_pid: 0,
            generation: 1,
            started_at: String::new(),
            restart_count: 0,
            paused: false,
        };
        assert!(fact.is_alive());
        fact.start_time_ticks += 1;
        assert!(!fact.is_alive());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        fact.pid = i32::try_from(child.id()).unwrap();
        while !is_zombie(fact.pid) {
            std::thread::yield_now();
        }
        fact.start_time_ticks = start_time_ticks(fact.pid).unwrap();
        assert!(!fact.is_alive());
        child.wait().unwrap();
    }

    #[test]
    fn a_torn_fact_is_absent() {
        let directory = std::env::temp_dir().join(format!("sampan-facts-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let intent = StopIntent { at: "2026-01-01T00:00:00Z".into() };
        write(&directory, "intent", &intent, Durability::Power).unwrap();
        assert_eq!(read::<StopIntent>(&directory, "intent"), Some(intent));
        fs::write(directory.join("intent"), b"{\"at\":").unwrap();
        assert_eq!(read::<StopIntent>(&directory, "intent"), None);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(&directory).unwrap();
    }
}
