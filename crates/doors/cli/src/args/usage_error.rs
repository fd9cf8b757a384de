//! What can be wrong with what was typed, in Docker's words.

use std::error::Error;

/// Something typed is not understood. The exit code is 125, as Docker has it, but for [`UsageError::Arity`] and
/// unknown or missing commands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    /// No such flag.
    #[error("unknown flag: {flag}{}", did_you_mean(.suggestion))]
    UnknownFlag {
        /// With its dashes.
        flag: String,
        /// The nearest one.
        suggestion: Option<String>,
    },
    /// No such short flag.
    #[error("unknown shorthand flag: '{letter}' in {cluster}")]
    UnknownShorthand {
        /// The letter.
        letter: char,
        /// Where.
        cluster: String,
    },
    /// A flag without its value.
    #[error("flag needs an argument: {flag}")]
    MissingValue {
        /// With its dashes.
        flag: String,
    },
    /// A value that does not fit.
    #[error("invalid argument {value:?} for \"{flag}\" flag")]
    InvalidValue {
        /// As typed.
        value: String,
        /// Short and long form.
        flag: String,
        /// The rule.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The wrong number of arguments.
    #[error("'{command}' {rule}")]
    Arity {
        /// The verb with everything before it.
        command: String,
        /// The rule.
        rule: String,
    },
    /// A flag of Docker's that we do not honour.
    #[error("{flag} is not supported by this version of sampan: {reason}")]
    NotSupported {
        /// With its dashes.
        flag: String,
        /// Why, or what to do.
        reason: &'static str,
    },
    /// No such verb.
    #[error("unknown command: {command}{}", did_you_mean(.suggestion))]
    UnknownCommand {
        /// With everything before it.
        command: String,
        /// The nearest one.
        suggestion: Option<String>,
    },
    /// A verb of Docker's that we do not have.
    #[error("{command} is not in this version of sampan; {}", instead(advice))]
    NoSuchVerb {
        /// With everything before it.
        command: String,
        /// What to do instead.
        advice: Option<&'static str>,
    },
    /// An argument is not UTF-8.
    #[error("an argument is not valid UTF-8; names and commands are stored as UTF-8 text")]
    NotUtf8,
    /// What the splitting library refuses for another reason.
    #[error("{message}")]
    Grammar {
        /// The library's line.
        message: String,
    },
}

fn instead(advice: &Option<&'static str>) -> String {
    let list = || format!("'{} --help' lists what is", crate::program::name());
    advice.map_or_else(list, str::to_owned)
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
}

impl UsageError {
    /// Docker's exit code for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Arity { .. } | Self::UnknownCommand { .. } | Self::NoSuchVerb { .. } => 1,
            _ => 125,
        }
    }
}
