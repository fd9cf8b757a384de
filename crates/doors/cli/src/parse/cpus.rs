//! `--cpus`: a decimal number of processors.

/// Not a number of processors. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCpus {
    /// No number.
    #[error("failed to parse {0} as a rational number")]
    Number(String),
    /// More than nine digits after the point.
    #[error("value is too precise")]
    TooPrecise,
}

/// Billionths of a processor.
pub(crate) fn cpus(text: &str) -> Result<i64, InvalidCpus> {
    let invalid = || InvalidCpus::Number(text.to_owned());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(invalid());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 {
        return Err(InvalidCpus::TooPrecise);
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
    let fraction: i64 = format!("{fraction:0<9}").parse().map_err(|_| invalid())?;
    whole.checked_mul(1_000_000_000).and_then(|nanos| nanos.checked_add(fraction)).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billionths() {
        for (text, nanos) in [
            ("1", 1_000_000_000),
            ("0.5", 500_000_000),
            (".25", 250_000_000),
            ("2.", 2_000_000_000),
            ("1.0000000000", 1_000_000_000),
        ] {
            assert_eq!(cpus(text), Ok(nanos), "{text}");
        }
        for text in ["", ".", "-1", "x", "1e3", "0.0000000001", "99999999999999"] {
            assert!(cpus(text).is_err(), "{text}");
        }
    }
}
