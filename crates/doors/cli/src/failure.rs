//! Why a command did not do what was asked: one line, a hint, an exit code.

use crate::args::UsageError;
use std::error::Error;

/// A command's failure. Printed once, by [`crate::run`].
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code of the program.
    pub(crate) code: u8,
    /// What is said, without the program's name; empty when all was said before.
    pub(crate) message: String,
    /// What to do, on a line of its own.
    pub(crate) hint: Option<String>,
    /// The error with all its fields, for `--debug`.
    pub(crate) details: Option<String>,
    /// What was asked for is not there.
    pub(crate) missing: bool,
}

impl Failure {
    /// With exit code 1, as most verbs have it.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: without_numbers(&message.into()), hint: None, details: None, missing: false }
    }

    /// An error with its causes, exit code 1.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        Self { details: Some(format!("{error:?}")), ..Self::new(chain(error)) }
    }

    /// With another exit code.
    pub(crate) fn with_code(mut self, code: i32) -> Self {
        // What does not fit eight bits is a mistake of ours; it must not become success.
        self.code = u8::try_from(code).unwrap_or(125);
        self
    }

    /// With something to do.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Everything was said already; only the exit code remains.
    pub(crate) fn silent(code: u8) -> Self {
        Self { code, message: String::new(), hint: None, details: None, missing: false }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        let code = error.exit_code();
        Self { code, ..Self::of(&error) }
    }
}

/// An error and its causes in one line; a cause that was said already is left out.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = without_numbers(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = without_numbers(&error.to_string());
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// Without the ` (os error 2)` that the standard library adds: the words before it say the same.
fn without_numbers(text: &str) -> String {
    let (mut rest, mut out) = (text, String::with_capacity(text.len()));
    while let Some((before, after)) = rest.split_once(" (os error ") {
        out.push_str(before);
        rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
        rest = rest.strip_prefix(')').unwrap_or(rest);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write {path}")]
    struct Write {
        path: &'static str,
        source: io::Error,
    }

    #[test]
    fn every_cause_is_said_once_and_in_words() {
        let full = || Write { path: "/blob", source: io::Error::from_raw_os_error(28) };
        assert_eq!(chain(&full()), "cannot write /blob: No space left on device");
        // An adapter between two of ours that must speak `io::Error` shows what is below it.
        let outer = Write { path: "/image", source: io::Error::other(full()) };
        assert_eq!(chain(&outer), "cannot write /image: cannot write /blob: No space left on device");
        assert_eq!(without_numbers("a (os error 2): b (os error 13)"), "a: b");
    }
}
