//! Whether and when a container that ended is started again.

use crate::desired::RestartPolicy;
use std::time::Duration;

/// First delay before a restart.
const DELAY_FIRST: Duration = Duration::from_millis(100);
/// Longest delay.
const DELAY_MAX: Duration = Duration::from_secs(60);
/// A run of this length counts as a success: the delay begins anew.
const SUCCESS: Duration = Duration::from_secs(10);

/// What is known when a container has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) exit_code: i32,
    /// The user asked for the end.
    pub(super) stopped_by_user: bool,
    /// Restarts by policy so far.
    pub(super) restart_count: u32,
}

/// Whether the policy starts it again (dockerd's rules).
pub(super) fn restarts(policy: RestartPolicy, ended: Ended) -> bool {
    if ended.stopped_by_user {
        return false;
    }
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        RestartPolicy::OnFailure { maximum_retry_count } => {
            ended.exit_code != 0 && (maximum_retry_count == 0 || ended.restart_count < maximum_retry_count)
        }
    }
}

/// The delay that grows with each quick end: 100 ms, doubled up to a minute.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    last: Duration,
}

impl Backoff {
    /// The delay after a run of this length.
    pub(super) fn next(&mut self, ran: Duration) -> Duration {
        self.last =
            if ran >= SUCCESS || self.last.is_zero() { DELAY_FIRST } else { (self.last * 2).min(DELAY_MAX) };
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_table() {
        let ended =
            |exit_code, stopped_by_user, restart_count| Ended { exit_code, stopped_by_user, restart_count };
        let on_failure = |maximum_retry_count| RestartPolicy::OnFailure { maximum_retry_count };
        for (policy, seen, expected) in [
            (RestartPolicy::No, ended(1, false, 0), false),
            (RestartPolicy::Always, ended(0, false, 99), true),
            (RestartPolicy::Always, ended(137, true, 0), false),
            (RestartPolicy::UnlessStopped, ended(0, false, 0), true),
            (on_failure(0), ended(0, false, 0), false),
            (on_failure(0), ended(3, false, 1000), true),
            (on_failure(2), ended(3, false, 1), true),
            (on_failure(2), ended(3, false, 2), false),
            (on_failure(2), ended(3, true, 0), false),
        ] {
            assert_eq!(restarts(policy, seen), expected, "{policy:?} {seen:?}");
        }
    }

    #[test]
    fn delays_double_and_reset() {
        let mut backoff = Backoff::default();
        let quick = Duration::from_millis(1);
        assert_eq!(backoff.next(quick), Duration::from_millis(100));
        assert_eq!(backoff.next(quick), Duration::from_millis(200));
        for _ in 0..20 {
            backoff.next(quick);
        }
        assert_eq!(backoff.next(quick), DELAY_MAX);
        assert_eq!(backoff.next(Duration::from_secs(11)), DELAY_FIRST);
    }
}
