//! `events`.

use super::{Command, required, take_id, usage};
use crate::error::CliError;
use crate::id::BundleId;
use lexopt::prelude::{Long, Value, ValueExt};
use std::time::Duration;

/// What is to be told of a container.
#[derive(Debug)]
pub(crate) struct EventsOptions {
    pub(crate) id: BundleId,
    /// Once, what it uses; else for as long as it runs.
    pub(crate) stats: bool,
    pub(crate) interval: Duration,
}

pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let (mut id, mut stats, mut interval) = (None, false, Duration::from_secs(5));
    while let Some(argument) = parser.next()? {
        match argument {
            Long("stats") => stats = true,
            Long("interval") => interval = duration(&parser.value()?.string()?)?,
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Events(EventsOptions { id: required(id)?, stats, interval }))
}

/// A duration as runc takes it: numbers with `h`, `m`, `s` or `ms`, one after the other.
fn duration(text: &str) -> Result<Duration, CliError> {
    let wrong = || usage(format!("{text:?} is no interval such as 5s or 1m30s"));
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let after = &rest[digits..];
        let unit = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let milliseconds = match &after[..unit] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        total += Duration::from_millis(number.checked_mul(milliseconds).ok_or_else(wrong)?);
        rest = &after[unit..];
    }
    if total.is_zero() { Err(usage("--interval must be longer than nothing")) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        assert_eq!(duration("5s").unwrap(), Duration::from_secs(5));
        assert_eq!(duration("1m30s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("200ms").unwrap(), Duration::from_millis(200));
        for wrong in ["", "0s", "5", "s", "-1s", "5 s", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
