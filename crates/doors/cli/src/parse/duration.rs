//! Go durations: `1h30m`, `500ms`, `1.5s`.

/// Not a duration. The words are those of Go's time package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDuration {
    /// No number where one must be, or too large.
    #[error("time: invalid duration {0:?}")]
    Syntax(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// An unknown unit.
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// As typed.
        text: String,
    },
}

/// Nanoseconds.
pub(crate) fn duration(text: &str) -> Result<i64, InvalidDuration> {
    let syntax = || InvalidDuration::Syntax(text.to_owned());
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(syntax());
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits =
            rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let value: f64 = rest[..digits].parse().map_err(|_| syntax())?;
        rest = &rest[digits..];
        let letters =
            rest.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(rest.len());
        let unit = &rest[..letters];
        rest = &rest[letters..];
        let nanoseconds = match unit {
            "" => return Err(InvalidDuration::MissingUnit(text.to_owned())),
            "ns" => 1e0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return Err(InvalidDuration::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() }),
        };
        total += value * nanoseconds;
    }
    if total >= i64::MAX as f64 {
        return Err(syntax());
    }
    Ok(if negative { -(total as i64) } else { total as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("500ms", 500_000_000),
            ("1.5s", 1_500_000_000),
            ("-2m", -120_000_000_000),
            ("3us", 3_000),
            ("7µs", 7_000),
        ] {
            assert_eq!(duration(text), Ok(nanoseconds), "{text}");
        }
        for text in ["", "5", "s", "-", "5x", "1..5s", "999999999h", "."] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(duration("5").unwrap_err().to_string(), "time: missing unit in duration \"5\"");
    }
}
