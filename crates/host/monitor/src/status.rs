//! A container's state, derived from locks and facts.
//!
//! | live lock | started fact | exited fact | state |
//! |---|---|---|---|
//! | held | none, or older than `exited` | `restarting` | restarting |
//! | held | none | none, or final | starting |
//! | held | this boot, newer than `exited`, process alive | any | running, or paused |
//! | held | this boot, process gone | | exiting: shown as running until the record is written |
//! | free | this boot, process alive | older | running: the monitor is lost and must be replaced |
//! | free | newer than `exited`, process gone or other boot | | exited, 255, unrecorded |
//! | free | none | none | created |
//! | free | any | newest, never started | created |
//! | free | any | newest | exited |
//!
//! A container whose removal has begun is known to the engine alone (its record says so).

use crate::facts::{Exited, Started};
use serde::{Deserialize, Serialize};

/// States in Docker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Never started.
    Created,
    /// A monitor is setting it up.
    Starting,
    /// Its first process runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// It ended, and policy will start it again.
    Restarting,
    /// Being removed.
    Removing,
    /// It ended.
    Exited,
    /// Its removal failed half-way.
    Dead,
}

impl State {
    /// Docker's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created | Self::Starting => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }

    /// Whether processes of the container exist.
    #[must_use]
    pub fn has_processes(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// What is looked at to derive a state.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// Somebody holds the liveness lock.
    pub locked: bool,
    /// The started fact.
    pub started: Option<Started>,
    /// Whether the process that `started` names exists now (same boot, pid and start time).
    pub alive: bool,
    /// The exited fact.
    pub exited: Option<Exited>,
}

/// The table above.
#[must_use]
pub fn derive(seen: &Observation) -> State {
    // A start is current when no exit record is of it: the record repeats the time of the start that it ends.
    let current = seen
        .started
        .as_ref()
        .filter(|started| seen.exited.as_ref().is_none_or(|exited| exited.started_at != started.started_at));
    match (current, &seen.exited, seen.locked) {
        (Some(started), _, locked) if seen.alive || locked => {
            if started.paused {
                State::Paused
            } else {
                State::Running
            }
        }
        (Some(_), _, _) => State::Exited,
        (None, Some(exited), true) if exited.restarting => State::Restarting,
        (None, _, true) => State::Starting,
        (None, None, false) => State::Created,
        (None, Some(exited), false) if exited.started_at.is_empty() => State::Created,
        (None, Some(_), false) => State::Exited,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(at: &str) -> Started {
        Started {
            boot_id: "b".into(),
            pid: 1,
            start_time_ticks: 1,
            monitor_pid: 1,
            generation: 1,
            started_at: at.into(),
            restart_count: 0,
            paused: false,
        }
    }

    fn exited(of: &str, restarting: bool) -> Exited {
        Exited {
            boot_id: "b".into(),
            exit_code: 0,
            oom_killed: false,
            error: String::new(),
            started_at: of.into(),
            finished_at: "z".into(),
            restart_count: 0,
            restarting,
        }
    }

    #[test]
    fn the_table() {
        let see = |locked, started, alive, exited| derive(&Observation { locked, started, alive, exited });
        assert_eq!(see(false, None, false, None), State::Created);
        assert_eq!(see(true, None, false, None), State::Starting);
        assert_eq!(see(true, Some(started("1")), true, None), State::Running);
        assert_eq!(see(true, Some(started("1")), false, None), State::Running);
        assert_eq!(see(false, Some(started("1")), true, None), State::Running);
        assert_eq!(see(false, Some(started("1")), false, None), State::Exited);
        assert_eq!(see(false, Some(started("1")), false, Some(exited("1", false))), State::Exited);
        assert_eq!(see(true, Some(started("1")), false, Some(exited("1", true))), State::Restarting);
        assert_eq!(see(false, Some(started("1")), false, Some(exited("1", true))), State::Exited);
        assert_eq!(see(true, Some(started("2")), true, Some(exited("1", false))), State::Running);
        assert_eq!(see(true, Some(started("1")), false, Some(exited("1", false))), State::Starting);
        assert_eq!(see(false, None, false, Some(exited("", false))), State::Created);
        let paused = Started { paused: true, ..started("1") };
        assert_eq!(see(true, Some(paused), true, None), State::Paused);
    }
}
