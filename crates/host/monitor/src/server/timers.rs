//! What is due when.

use std::collections::BTreeMap;
use std::time::Duration;

/// What happens when a time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// The container was asked to end and has not: SIGKILL.
    Kill,
    /// The policy's delay is over: start again.
    Restart,
    /// The next health probe.
    Probe,
    /// A health probe took too long.
    ProbeTimeout,
    /// The container has lived for a moment: its monitor leaves the caller's control group.
    LeaveGroup,
    /// The resolver's servant ended: start another.
    Servant,
}

/// Timers by the time of `CLOCK_BOOTTIME` in nanoseconds; each kind is set once at most.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<(u64, u8), Timer>,
}

impl Timers {
    /// Sets a timer, replacing one of its kind.
    pub(super) fn set(&mut self, timer: Timer, now_ns: u64, after: Duration) {
        self.clear(timer);
        let at = now_ns.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
        self.due.insert((at, timer as u8), timer);
    }

    /// Forgets a timer.
    pub(super) fn clear(&mut self, timer: Timer) {
        self.due.retain(|_, set| *set != timer);
    }

    /// How long until the next one; `None` when there is none.
    pub(super) fn next(&self, now_ns: u64) -> Option<Duration> {
        self.due.keys().next().map(|(at, _)| Duration::from_nanos(at.saturating_sub(now_ns)))
    }

    /// Takes one that is due.
    pub(super) fn take_due(&mut self, now_ns: u64) -> Option<Timer> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now_ns)?;
        Some(entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order_and_once_per_kind() {
        let mut timers = Timers::default();
        timers.set(Timer::Probe, 0, Duration::from_nanos(5));
        timers.set(Timer::Kill, 0, Duration::from_nanos(3));
        timers.set(Timer::Probe, 0, Duration::from_nanos(9));
        assert_eq!(timers.next(1), Some(Duration::from_nanos(2)));
        assert_eq!(timers.take_due(2), None);
        assert_eq!(timers.take_due(9), Some(Timer::Kill));
        assert_eq!(timers.take_due(9), Some(Timer::Probe));
        assert_eq!(timers.take_due(9), None);
    }
}
