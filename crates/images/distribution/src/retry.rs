//! When to try again.

use std::time::Duration;

/// The longest that we wait because a registry says so; beyond, its refusal is passed on.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How long to wait before try number `attempt` (the first retry is 1): doubled each time, at most half a minute.
pub(crate) fn delay(base: Duration, attempt: u32) -> Duration {
    base.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(Duration::from_secs(30))
}

/// What `Retry-After` asks for in seconds (RFC 9110 section 10.2.3), if it is a wait worth waiting.
pub(crate) fn asked_for(retry_after: Option<&str>) -> Option<Duration> {
    let wait = Duration::from_secs(retry_after?.trim().parse().ok()?);
    (wait <= WAIT_MAX).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        let base = Duration::from_secs(1);
        let seconds: Vec<u64> = (1..8).map(|attempt| delay(base, attempt).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(asked_for(Some(" 7 ")), Some(Duration::from_secs(7)));
        for header in [None, Some("86400"), Some("Wed, 21 Oct 2015 07:28:00 GMT")] {
            assert_eq!(asked_for(header), None);
        }
    }
}
