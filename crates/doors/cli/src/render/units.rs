//! Sizes and durations in Docker's words (docker/go-units).

/// `value` with at most `digits` significant digits and no trailing zeros (`%.4g` of printf(3), for values that need no
/// exponent).
fn significant(value: f64, digits: usize) -> String {
    let whole = if value < 1.0 { 1 } else { value.log10().floor() as usize + 1 };
    let text = format!("{value:.*}", digits.saturating_sub(whole));
    // Rounding may have made one digit more (9.9996 is 10.00).
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

fn scaled(bytes: f64, base: f64, names: &[&str], digits: usize) -> String {
    let (mut value, mut unit) = (bytes, 0);
    while value >= base && unit + 1 < names.len() {
        value /= base;
        unit += 1;
    }
    format!("{}{}", significant(value, digits), names[unit])
}

const DECIMAL: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const BINARY: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Decimal units, three significant digits, as lists of images have them (`77.9MB`).
pub(crate) fn short_size(bytes: u64) -> String {
    scaled(bytes as f64, 1000.0, &DECIMAL, 3)
}

/// Decimal units, four significant digits (`1.234GB`).
pub(crate) fn human_size(bytes: u64) -> String {
    scaled(bytes as f64, 1000.0, &DECIMAL, 4)
}

/// Binary units, four significant digits (`15.63GiB`).
pub(crate) fn bytes_size(bytes: u64) -> String {
    scaled(bytes as f64, 1024.0, &BINARY, 4)
}

/// A duration in round words (`About a minute`, `3 hours`).
pub(crate) fn human_duration(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, (seconds as f64 / 3600.0).round() as i64);
    match seconds {
        i64::MIN..1 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        120..3600 if minutes < 46 => format!("{minutes} minutes"),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        _ if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_go_units() {
        for (bytes, short, human, binary) in [
            (0, "0B", "0B", "0B"),
            (999, "999B", "999B", "999B"),
            (1000, "1kB", "1kB", "1000B"),
            (1024, "1.02kB", "1.024kB", "1KiB"),
            (77_912_345, "77.9MB", "77.91MB", "74.3MiB"),
            (187_654_321, "188MB", "187.7MB", "179MiB"),
            (16_781_238_272, "16.8GB", "16.78GB", "15.63GiB"),
        ] {
            assert_eq!(
                (short_size(bytes).as_str(), human_size(bytes).as_str(), bytes_size(bytes).as_str()),
                (short, human, binary)
            );
        }
    }

    #[test]
    fn durations_of_go_units() {
        for (seconds, words) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (45, "45 seconds"),
            (61, "About a minute"),
            (180, "3 minutes"),
            (45 * 60, "45 minutes"),
            (46 * 60, "About an hour"),
            (3 * 3600, "3 hours"),
            (47 * 3600, "47 hours"),
            (49 * 3600, "2 days"),
            (15 * 86_400, "2 weeks"),
            (70 * 86_400, "2 months"),
            (800 * 86_400, "2 years"),
        ] {
            assert_eq!(human_duration(seconds), words, "{seconds}");
        }
    }
}
