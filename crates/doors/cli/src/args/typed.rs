//! Values as typed, given out with errors that name the flag.

use super::UsageError;
use clap::{Arg, ArgMatches, Command};
use std::error::Error;

/// What was typed after a verb.
pub(crate) struct Typed {
    matches: ArgMatches,
    command: Command,
}

/// The name under which a verb's arguments are kept.
pub(crate) const ARGUMENTS: &str = "ARGUMENTS";

impl Typed {
    pub(crate) fn new(matches: ArgMatches, command: Command) -> Self {
        Self { matches, command }
    }

    /// The value of a flag; `None` when it was not typed. A flag that the verb does not have counts as not typed, so
    /// that verbs with different flags can share code.
    pub(crate) fn text(&self, flag: &str) -> Option<&str> {
        self.matches.try_get_one::<String>(flag).ok().flatten().map(String::as_str)
    }

    /// The value of a flag, or the empty text.
    pub(crate) fn text_or_empty(&self, flag: &str) -> String {
        self.text(flag).unwrap_or_default().to_owned()
    }

    /// All values of a flag.
    pub(crate) fn list(&self, flag: &str) -> Vec<&str> {
        let values = self.matches.try_get_many::<String>(flag).ok().flatten();
        values.map(|values| values.map(String::as_str).collect()).unwrap_or_default()
    }

    /// Whether a switch is on. Its text was checked when it was parsed.
    pub(crate) fn is_on(&self, flag: &str) -> bool {
        self.text(flag).is_some_and(|text| crate::parse::boolean(text).unwrap_or(false))
    }

    /// Whether a switch was typed, on or off.
    pub(crate) fn was_typed(&self, flag: &str) -> bool {
        self.matches.try_contains_id(flag).unwrap_or(false)
            && self.matches.value_source(flag) == Some(clap::parser::ValueSource::CommandLine)
    }

    /// The value of a flag, parsed.
    pub(crate) fn parsed<T, E>(
        &self,
        flag: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, UsageError>
    where
        E: Error + Send + Sync + 'static,
    {
        self.text(flag)
            .map(|text| parse(text).map_err(|error| self.invalid(flag, text, Box::new(error))))
            .transpose()
    }

    /// All values of a flag, parsed.
    pub(crate) fn parsed_list<T, E>(
        &self,
        flag: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, UsageError>
    where
        E: Error + Send + Sync + 'static,
    {
        let one = |text| parse(text).map_err(|error| self.invalid(flag, text, Box::new(error)));
        self.list(flag).into_iter().map(one).collect()
    }

    /// The arguments.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        self.list(ARGUMENTS)
    }

    /// One argument by position.
    pub(crate) fn argument(&self, index: usize) -> Option<&str> {
        self.arguments().get(index).copied()
    }

    /// The complaint about a value.
    pub(crate) fn invalid(
        &self,
        flag: &str,
        value: &str,
        source: Box<dyn Error + Send + Sync>,
    ) -> UsageError {
        let shown = self.command.get_arguments().find(|arg| arg.get_id() == flag).map(flag_name);
        UsageError::InvalidValue {
            value: value.to_owned(),
            flag: shown.unwrap_or_else(|| flag.to_owned()),
            source,
        }
    }
}

/// `-m, --memory`.
pub(crate) fn flag_name(arg: &Arg) -> String {
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
        (None, None) => arg.get_id().to_string(),
    }
}
