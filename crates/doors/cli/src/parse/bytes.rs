//! Sizes in memory units: `512m`, `1.5g`, `64k`, `1073741824` (go-units, `RAMInBytes`).

/// Not a size. The words are those of go-units.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidSize {
    /// No number.
    #[error("invalid size: '{0}'")]
    Number(String),
    /// No unit.
    #[error("invalid suffix: '{0}'")]
    Suffix(String),
    /// More than 63 bits.
    #[error("the size '{0}' is larger than 8 EiB")]
    TooLarge(String),
}

/// Bytes; units are powers of 1024, with or without `b` or `ib` after the letter.
pub(crate) fn size(text: &str) -> Result<i64, InvalidSize> {
    let end = text.rfind(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == ' ');
    let (number, suffix) = match end {
        Some(end) => text.split_at(end + 1),
        None => return Err(InvalidSize::Number(text.to_owned())),
    };
    // Go-units allows one blank between number and unit.
    let number = number.strip_suffix(' ').unwrap_or(number);
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 =
        number.parse().ok().filter(|_| plain).ok_or_else(|| InvalidSize::Number(text.to_owned()))?;
    let invalid = || InvalidSize::Suffix(suffix.to_owned());
    let lower = suffix.to_ascii_lowercase();
    let power = match lower.strip_suffix("ib").or_else(|| lower.strip_suffix('b')).unwrap_or(&lower) {
        "" if lower == "ib" => return Err(invalid()),
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return Err(invalid()),
    };
    let bytes = value * 1024f64.powi(power);
    if bytes >= i64::MAX as f64 { Err(InvalidSize::TooLarge(text.to_owned())) } else { Ok(bytes as i64) }
}

/// As [`size`], with -1 for no limit (`--memory-swap`).
pub(crate) fn swap_size(text: &str) -> Result<i64, InvalidSize> {
    if text == "-1" { Ok(-1) } else { size(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_go_units() {
        for (text, bytes) in [
            ("32", 32),
            ("32b", 32),
            ("32B", 32),
            ("32k", 32 << 10),
            ("32Kb", 32 << 10),
            ("32kib", 32 << 10),
            ("32 m", 32 << 20),
            ("1.5g", 3 << 29),
            ("0.5t", 1 << 39),
            ("1p", 1 << 50),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in
            ["", "hello", "-32", "32.3.3", "32..kb", "32mm", "32ib", "1e3", "9999999p", " 32", "32  b", "5x"]
        {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!(swap_size("-1"), Ok(-1));
    }
}
