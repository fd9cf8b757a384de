//! One line of a json-file log.

use serde::Deserialize;

/// Where a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output, or the terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One piece of output: a line with its end, or a part of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Where it came from.
    pub stream: LogStream,
    /// RFC 3339 with nanoseconds, UTC.
    pub time: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Line {
    log: String,
    stream: String,
    time: String,
}

impl LogEntry {
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let line: Line = serde_json::from_slice(line).ok()?;
        let stream = if line.stream == "stderr" { LogStream::Stderr } else { LogStream::Stdout };
        Some(Self { stream, time: line.time, bytes: line.log.into_bytes() })
    }

    /// Nanoseconds since 1970; `None` for a time that cannot be read.
    pub(super) fn time_ns(&self) -> Option<i64> {
        let time: jiff::Timestamp = self.time.parse().ok()?;
        i64::try_from(time.as_nanosecond()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_lines() {
        let entry = LogEntry::parse(
            br#"{"log":"a\u0001\"\n","stream":"stderr","time":"1970-01-01T00:00:01.000000005Z"}"#,
        )
        .unwrap();
        assert_eq!((entry.stream, entry.bytes.as_slice()), (LogStream::Stderr, &b"a\x01\"\n"[..]));
        assert_eq!(entry.time_ns(), Some(1_000_000_005));
        assert_eq!(LogEntry::parse(b"{\"log\":\"tor"), None);
    }
}
