//! `--env`, `--env-file`, `--label-file`.

use std::io;
use std::path::{Path, PathBuf};

/// Not an environment variable. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid environment variable: {text}")]
pub(crate) struct InvalidEnv {
    /// As typed.
    pub(crate) text: String,
}

/// `NAME=value`; a `NAME` alone takes its value from our environment, and stays alone where it has none there (which
/// removes it from the image's).
pub(crate) fn env_entry(text: &str) -> Result<String, InvalidEnv> {
    let name = text.split('=').next().unwrap_or_default();
    if name.is_empty() {
        return Err(InvalidEnv { text: text.to_owned() });
    }
    Ok(if text.contains('=') { text.to_owned() } else { inherited(text).unwrap_or_else(|| text.to_owned()) })
}

fn inherited(name: &str) -> Option<String> {
    // A name with a NUL byte cannot be asked for.
    if name.contains('\0') {
        return None;
    }
    std::env::var(name).ok().map(|value| format!("{name}={value}"))
}

/// Files larger than this are refused.
const FILE_MAX: u64 = 4 << 20;

/// A file of variables or labels cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvFileError {
    /// It cannot be read.
    #[error("open {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is too large.
    #[error("{path} is larger than {max} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        max: u64,
    },
    /// A line is no variable. The words are Docker's.
    #[error("invalid env file ({path}): {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: LineError,
    },
}

/// A line is no variable. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    /// Not UTF-8.
    #[error("invalid utf8 bytes at line {0}")]
    NotUtf8(usize),
    /// Blanks in the name.
    #[error("variable '{0}' contains whitespaces")]
    Whitespace(String),
    /// No name.
    #[error("no variable name on line '{0}'")]
    NoName(String),
}

/// The variables of a file, one `NAME=value` or `NAME` a line. `inherit`: a lone name takes its value from our
/// environment, and is passed over where it has none there; without it (labels) the value is empty.
pub(crate) fn env_file(path: &Path, inherit: bool) -> Result<Vec<String>, EnvFileError> {
    use std::io::Read;
    let read = |source| EnvFileError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(read)?.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(EnvFileError::TooLarge { path: path.to_owned(), max: FILE_MAX });
    }
    let lookup = |name: &str| if inherit { inherited(name) } else { Some(format!("{name}=")) };
    lines(&bytes, lookup).map_err(|problem| EnvFileError::Line { path: path.to_owned(), problem })
}

fn lines(bytes: &[u8], lookup: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, LineError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut variables = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = std::str::from_utf8(line).map_err(|_| LineError::NotUtf8(index + 1))?.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = line.split('=').next().unwrap_or_default();
        if name.contains(char::is_whitespace) {
            return Err(LineError::Whitespace(name.to_owned()));
        }
        if name.is_empty() {
            return Err(LineError::NoName(line.to_owned()));
        }
        variables.extend(if line.contains('=') { Some(line.to_owned()) } else { lookup(name) });
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        assert_eq!(env_entry("A=b=c").unwrap(), "A=b=c");
        assert_eq!(env_entry("A=").unwrap(), "A=");
        assert_eq!(env_entry("SAMPAN_TEST_NOT_SET").unwrap(), "SAMPAN_TEST_NOT_SET");
        assert!(env_entry("PATH").unwrap().starts_with("PATH="));
        assert!(env_entry("=x").is_err() && env_entry("").is_err());
    }

    #[test]
    fn files() {
        let lookup = |name: &str| (name == "SET").then(|| "SET=1".to_owned());
        let text = b"\xef\xbb\xbf# comment\n\n  A=1 2 \nSET\r\nUNSET\nB==\n";
        assert_eq!(lines(text, lookup).unwrap(), ["A=1 2 ", "SET=1", "B=="]);
        assert_eq!(lines(b"a b=c", lookup), Err(LineError::Whitespace("a b".into())));
        assert_eq!(lines(b"=c", lookup), Err(LineError::NoName("=c".into())));
        assert_eq!(lines(b"ok=1\n\xff", lookup), Err(LineError::NotUtf8(2)));
    }
}
