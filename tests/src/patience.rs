//! Limits of waiting, longer on a machine that is slower than any.

use std::sync::OnceLock;
use std::time::Duration;

/// `limit` times what `SAMPAN_TEST_PATIENCE` says: a whole number, 1 unless said. An emulated machine needs more.
#[must_use]
pub fn stretched(limit: Duration) -> Duration {
    static FACTOR: OnceLock<u32> = OnceLock::new();
    let said = || std::env::var("SAMPAN_TEST_PATIENCE").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    limit * *FACTOR.get_or_init(said)
}
