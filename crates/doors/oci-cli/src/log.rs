//! The log file that engines read errors from (`--log`, `--log-format`).

use std::io::Write;
use std::path::PathBuf;

/// How bad it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    Warning,
    Error,
}

/// Where messages go besides standard error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) path: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Log {
    /// Appends one line; a log that cannot be written is passed over, because the message went to standard error.
    pub(crate) fn write(&self, level: Level, message: &str) {
        let Some(path) = &self.path else { return };
        let line = self.line(level, message, &crate::time::now());
        if let Ok(mut file) = std::fs::File::options().append(true).create(true).open(path) {
            let _ = file.write_all(line.as_bytes());
        }
    }

    /// The line as logrus, which all engines understand, would write it.
    fn line(&self, level: Level, message: &str, time: &str) -> String {
        let level = match level {
            Level::Warning => "warning",
            Level::Error => "error",
        };
        if self.json {
            format!("{}\n", serde_json::json!({ "level": level, "msg": message, "time": time }))
        } else {
            format!("time={time:?} level={level} msg={message:?}\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let log = |json| Log { path: None, json }.line(Level::Error, "a \"b\"", "T");
        assert_eq!(log(true), "{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\",\"time\":\"T\"}\n");
        assert_eq!(log(false), "time=\"T\" level=error msg=\"a \\\"b\\\"\"\n");
    }
}
