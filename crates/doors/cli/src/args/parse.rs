//! Splitting the command line, and telling in Docker's words what is wrong with it.

use super::typed::{ARGUMENTS, Typed};
use super::{Arity, UsageError, Verb, list, switch, text};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::path::PathBuf;

/// What stands before the verb.
#[derive(Debug, Default)]
pub(crate) struct Globals {
    /// `--data-root`.
    pub(crate) data_root: Option<PathBuf>,
    /// `--exec-root`.
    pub(crate) exec_root: Option<PathBuf>,
    /// `-H`.
    pub(crate) host: Option<String>,
    /// `-D`.
    pub(crate) debug: bool,
    /// `--version`.
    pub(crate) version: bool,
    /// `--help`.
    pub(crate) help: bool,
    /// The verb and everything after it.
    pub(crate) rest: Vec<OsString>,
}

/// The flags that stand before the verb.
pub(crate) fn define_globals(command: Command) -> Command {
    command
        .arg(text("data-root", '\0', "dir", "Where images, volumes and containers are kept"))
        .arg(text("exec-root", '\0', "dir", "Where the state of running containers is kept"))
        .arg(list("host", 'H', "string", "Server to connect to (this version works without one)"))
        .arg(switch("debug", 'D', "Show what is behind an error"))
        .arg(switch("version", 'v', "Print version information and quit"))
}

/// Splits off what stands before the verb.
pub(crate) fn parse_globals(args: Vec<OsString>) -> Result<Globals, UsageError> {
    let mut command = bare(define_globals(Command::new("sampan")))
        .allow_external_subcommands(true)
        .external_subcommand_value_parser(clap::value_parser!(OsString));
    let matches = command.try_get_matches_from_mut(args).map_err(|error| complaint(&error, &command, &[]))?;
    let rest = matches.subcommand().map(|(name, inner)| {
        let after = inner.get_many::<OsString>("").into_iter().flatten().cloned();
        std::iter::once(OsString::from(name)).chain(after).collect()
    });
    let typed = Typed::new(matches, command);
    check_switches(&typed, &["debug", "version", "help"])?;
    Ok(Globals {
        data_root: typed.text("data-root").map(PathBuf::from),
        exec_root: typed.text("exec-root").map(PathBuf::from),
        host: typed.list("host").last().map(|host| (*host).to_owned()),
        debug: typed.is_on("debug"),
        version: typed.is_on("version"),
        help: typed.is_on("help"),
        rest: rest.unwrap_or_default(),
    })
}

/// The clap command of a verb.
pub(crate) fn verb_command(verb: &Verb) -> Command {
    bare((verb.define)(Command::new(verb.name)))
}

/// Parses what follows a verb. `path` is what the user called it (`sampan container run`).
pub(crate) fn parse_verb(verb: &Verb, path: &str, args: &[OsString]) -> Result<Typed, UsageError> {
    let mut command = verb_command(verb);
    let arguments = Arg::new(ARGUMENTS).num_args(0..).action(ArgAction::Append);
    command = command.arg(match verb.arity {
        Arity::Trailing(_) => arguments.trailing_var_arg(true),
        _ => arguments,
    });
    let words = std::iter::once(OsString::from(verb.name)).chain(args.iter().cloned());
    let matches: ArgMatches = command
        .try_get_matches_from_mut(words)
        .map_err(|error| refused(verb, complaint(&error, &command, args)))?;
    let switches: Vec<&str> =
        command.get_arguments().filter(|arg| is_switch(arg)).map(|arg| arg.get_id().as_str()).collect();
    let switches: Vec<String> = switches.into_iter().map(str::to_owned).collect();
    let typed = Typed::new(matches, command);
    check_switches(&typed, &switches.iter().map(String::as_str).collect::<Vec<_>>())?;
    if !typed.is_on("help") {
        check_arity(verb, path, typed.arguments().len())?;
    }
    Ok(typed)
}

/// Our own help flag and wording instead of clap's.
fn bare(command: Command) -> Command {
    command
        .arg(switch("help", '\0', "Print usage").hide(true))
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .color(clap::ColorChoice::Never)
        .no_binary_name(false)
}

/// Whether a flag takes no value.
pub(super) fn is_switch(arg: &Arg) -> bool {
    arg.is_require_equals_set()
}

fn check_switches(typed: &Typed, names: &[&str]) -> Result<(), UsageError> {
    for name in names {
        typed.parsed(name, crate::parse::boolean)?;
    }
    Ok(())
}

fn check_arity(verb: &Verb, path: &str, count: usize) -> Result<(), UsageError> {
    let plural = |count: usize| if count == 1 { "argument" } else { "arguments" };
    let rule = match verb.arity {
        Arity::None if count > 0 => "accepts no arguments".to_owned(),
        Arity::Exactly(n) if count != n => format!("requires {n} {}", plural(n)),
        Arity::AtLeast(n) | Arity::Trailing(n) if count < n => format!("requires at least {n} {}", plural(n)),
        Arity::AtMost(n) if count > n => format!("requires at most {n} {}", plural(n)),
        Arity::Between(min, max) if count < min || count > max => {
            format!("requires at least {min} and at most {max} {}", plural(max))
        }
        _ => return Ok(()),
    };
    Err(UsageError::Arity { command: path.to_owned(), rule })
}

/// Turns an unknown flag that Docker has into the refusal of it.
fn refused(verb: &Verb, error: UsageError) -> UsageError {
    let found = match &error {
        UsageError::UnknownFlag { flag, .. } => {
            let name = flag.trim_start_matches('-');
            verb.refused.iter().find(|refused| refused.name == name)
        }
        UsageError::UnknownShorthand { letter, .. } => {
            verb.refused.iter().find(|refused| refused.short == *letter)
        }
        _ => None,
    };
    match found {
        Some(found) => UsageError::NotSupported { flag: format!("--{}", found.name), reason: found.reason },
        None => error,
    }
}

/// clap's error in Docker's words.
fn complaint(error: &clap::Error, command: &Command, args: &[OsString]) -> UsageError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let invalid = context(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let flag = invalid.unwrap_or_default();
            match flag.strip_prefix("--") {
                Some(name) => {
                    let longs = command.get_arguments().filter_map(Arg::get_long);
                    let suggestion = super::nearest(name, longs).map(|name| format!("--{name}"));
                    UsageError::UnknownFlag { flag, suggestion }
                }
                None => {
                    let letter = flag.chars().nth(1).unwrap_or('-');
                    UsageError::UnknownShorthand { letter, cluster: cluster_of(letter, args) }
                }
            }
        }
        ErrorKind::InvalidUtf8 => UsageError::NotUtf8,
        // A missing value arrives as an empty invalid one; with a value, only a switch's `=` can be meant.
        ErrorKind::InvalidValue
        | ErrorKind::NoEquals
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues => {
            let shown = invalid.unwrap_or_default();
            let flag = shown.split([' ', '=', '[']).next().unwrap_or_default();
            UsageError::MissingValue { flag: as_typed(flag, command, args) }
        }
        _ => {
            let message = error.to_string();
            let line = message.lines().next().unwrap_or_default();
            UsageError::Grammar { message: line.trim_start_matches("error: ").to_owned() }
        }
    }
}

/// Docker names the short flag together with where it stood: `'x' in -xyz`.
fn cluster_of(letter: char, args: &[OsString]) -> String {
    let short = |arg: &&str| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(letter);
    let found = args.iter().filter_map(|arg| arg.to_str()).find(short);
    match found.and_then(|cluster| cluster.find(letter).map(|at| &cluster[at..])) {
        Some(rest) => format!("-{rest}"),
        None => format!("-{letter}"),
    }
}

/// The last argument is the flag whose value is missing; Docker shows it as it was typed.
fn as_typed(flag: &str, command: &Command, args: &[OsString]) -> String {
    let last = args.last().and_then(|arg| arg.to_str()).unwrap_or_default();
    if last.starts_with('-') && !last.starts_with("--") {
        let letter = last.chars().next_back().unwrap_or('-');
        if command.get_arguments().any(|arg| arg.get_short() == Some(letter)) {
            return format!("'{letter}' in {last}");
        }
    }
    flag.to_owned()
}
