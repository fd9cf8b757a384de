//! Points in time as `--since` and `--until` take them.

use jiff::{SignedDuration, Timestamp, civil};

/// A text is no point in time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("use a time like 2013-01-02T13:23:37Z, seconds since 1970, or a duration like 42m")]
pub(crate) struct InvalidMoment;

/// Nanoseconds since 1970 of an RFC 3339 time, a local date or date and time, seconds since 1970 with an optional
/// fraction, or a Go duration before `now`.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<i64, InvalidMoment> {
    let at = absolute(text).or_else(|| now.checked_sub(duration(text)?).ok()).ok_or(InvalidMoment)?;
    i64::try_from(at.as_nanosecond()).map_err(|_| InvalidMoment)
}

fn absolute(text: &str) -> Option<Timestamp> {
    let zone = jiff::tz::TimeZone::system();
    let local = |time: civil::DateTime| time.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    seconds(text)
        .or_else(|| text.parse::<Timestamp>().ok())
        .or_else(|| text.parse::<civil::DateTime>().ok().and_then(local))
        .or_else(|| text.parse::<civil::Date>().ok().and_then(|date| local(date.at(0, 0, 0, 0))))
}

/// `1136073845` or `1136073845.000000001`.
fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    Timestamp::new(whole.parse().ok()?, nanoseconds).ok()
}

/// Go's `time.ParseDuration`: `1h30m`, `1.5s`, `300ms`.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    let mut total = 0f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    let total = if text.starts_with('-') { -total } else { total };
    SignedDuration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_forms() {
        let now = Timestamp::from_second(10_000).unwrap();
        for (text, expected) in [
            ("42", 42_000_000_000),
            ("42.5", 42_500_000_000),
            ("1970-01-01T00:01:00Z", 60_000_000_000),
            ("1970-01-01T01:00:00.25+01:00", 250_000_000),
            ("10s", 9_990_000_000_000),
            ("1h30m", 4_600_000_000_000),
            ("1.5m", 9_910_000_000_000),
        ] {
            assert_eq!(parse(text, now), Ok(expected), "{text}");
        }
        for text in ["", "x", "5 minutes", "10", "-"].into_iter().filter(|text| *text != "10") {
            assert_eq!(parse(text, now), Err(InvalidMoment), "{text}");
        }
    }
}
