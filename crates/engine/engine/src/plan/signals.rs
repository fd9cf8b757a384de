//! Signals by name and number (signal(7), x86 and ARM numbers).

/// Names without `SIG`, from number 1.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
/// First and last real-time signal of the C library.
const REAL_TIME: (i32, i32) = (34, 64);
/// What `stop` sends when nobody says.
pub(crate) const TERM: i32 = 15;
pub(crate) const KILL: i32 = 9;
/// By these people end programs: INT, QUIT, KILL, TERM.
pub(crate) const ENDING: [i32; 4] = [2, 3, KILL, TERM];

/// The number of `TERM`, `SIGTERM`, `term` or `15`; also `RTMIN+n` and `RTMAX-n`.
pub(crate) fn parse(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=REAL_TIME.1).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let real_time = |number: i32| (REAL_TIME.0..=REAL_TIME.1).contains(&number).then_some(number);
    match name {
        "IOT" => return Some(6),
        "CLD" => return Some(17),
        "POLL" => return Some(29),
        "RTMIN" => return Some(REAL_TIME.0),
        "RTMAX" => return Some(REAL_TIME.1),
        _ => {}
    }
    if let Some(offset) = name.strip_prefix("RTMIN+") {
        return real_time(REAL_TIME.0.checked_add(offset.parse().ok()?)?);
    }
    if let Some(offset) = name.strip_prefix("RTMAX-") {
        return real_time(REAL_TIME.1.checked_sub(offset.parse().ok()?)?);
    }
    let place = NAMES.iter().position(|known| *known == name)?;
    i32::try_from(place).ok().map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (text, number) in
            [("TERM", 15), ("sigkill", 9), ("9", 9), ("SIGSYS", 31), ("RTMIN+3", 37), ("IO", 29)]
        {
            assert_eq!(parse(text), Some(number), "{text}");
        }
        for text in ["", "0", "65", "-1", "SIG", "NOPE", "RTMIN+31", "RTMAX-40", "RTMIN+2147483647"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
