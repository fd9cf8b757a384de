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
}

impl Failure {
    /// With exit code 1, as most verbs have it.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), hint: None, details: None }
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
        Self { code, message: String::new(), hint: None, details: None }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        let code = error.exit_code();
        Self { code, ..Self::of(&error) }
    }
}

/// An error and its causes in one line; a cause that repeats what was said is left out.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
