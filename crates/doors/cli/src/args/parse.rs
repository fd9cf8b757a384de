//! Splitting the command line, and telling in Docker's words what is wrong with it.

use super::typed::{ARGUMENTS, Typed};
use super::{Arity, Refused, UsageError, Verb, list, switch, text};
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
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `--context`.
    pub(crate) context: Option<String>,
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
        .arg(text("config", '\0', "string", "Location of client config files (default \"~/.docker\")"))
        .arg(text(
            "context",
            'c',
            "string",
            "Name of the context to run in (overrides DOCKER_HOST and the one set with 'sampan context use')",
        ))
        .arg(list("host", 'H', "string", "Server to connect to (this version works without one)"))
        .arg(switch("debug", 'D', "Show what is behind an error"))
        .arg(switch("version", 'v', "Print version information and quit"))
}

const TLS: &str = "there is no server to connect to; this version works on this machine";

/// Docker's flags before the verb that are not honoured.
pub(crate) const GLOBALS_REFUSED: &[Refused] = &[
    Refused { name: "log-level", short: 'l', reason: "use --debug" },
    Refused { name: "tls", short: '\0', reason: TLS },
    Refused { name: "tlscacert", short: '\0', reason: TLS },
    Refused { name: "tlscert", short: '\0', reason: TLS },
    Refused { name: "tlskey", short: '\0', reason: TLS },
    Refused { name: "tlsverify", short: '\0', reason: TLS },
];

/// Splits off what stands before the verb.
pub(crate) fn parse_globals(args: Vec<OsString>) -> Result<Globals, UsageError> {
    let mut command = bare(define_globals(Command::new("sampan")))
        .allow_external_subcommands(true)
        .external_subcommand_value_parser(clap::value_parser!(OsString));
    let words = args.clone();
    let matches = command
        .try_get_matches_from_mut(args)
        .map_err(|error| refused(GLOBALS_REFUSED, complaint(&error, &command, &words)))?;
    let rest = matches.subcommand().map(|(name, inner)| {
        let after = inner.get_many::<OsString>("").into_iter().flatten().cloned();
        std::iter::once(OsString::from(name)).chain(after).collect()
    });
    let typed = Typed::new(matches, command);
    check_switches(&typed, &["debug", "version", "help"])?;
    Ok(Globals {
        data_root: typed.text("data-root").map(PathBuf::from),
        exec_root: typed.text("exec-root").map(PathBuf::from),
        config: typed.text("config").map(PathBuf::from),
        context: typed.text("context").map(str::to_owned),
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
        .map_err(|error| refused(verb.refused, complaint(&error, &command, args)))?;
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
pub(crate) fn is_switch(arg: &Arg) -> bool {
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
fn refused(refused: &[Refused], error: UsageError) -> UsageError {
    let found = match &error {
        UsageError::UnknownFlag { flag, .. } => {
            let name = flag.trim_start_matches('-');
            refused.iter().find(|refused| refused.name == name)
        }
        UsageError::UnknownShorthand { letter, .. } => {
            refused.iter().find(|refused| refused.short == *letter)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Entry, verb_help};
    use crate::failure::chain;
    use crate::table;

    fn parsed(verb: &Verb, words: &[&str]) -> Result<Typed, UsageError> {
        let args: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse_verb(verb, &format!("sampan {}", verb.name), &args)
    }

    fn complaint_about(words: &[&str]) -> (String, u8) {
        match parsed(&crate::verbs::run::RUN, words) {
            Ok(typed) => (format!("no complaint: {:?}", typed.arguments()), 0),
            Err(error) => (chain(&error), error.exit_code()),
        }
    }

    #[test]
    fn complaints_in_dockers_words() {
        for (words, message, code) in [
            (&["--foo", "x"][..], "unknown flag: --foo", 125),
            (&["--rmm", "x"], "unknown flag: --rmm (did you mean --rm?)", 125),
            (&["-X", "x"], "unknown shorthand flag: 'X' in -X", 125),
            (&["-iXt", "x"], "unknown shorthand flag: 'X' in -Xt", 125),
            (&["--name"], "flag needs an argument: --name", 125),
            (&["-e"], "flag needs an argument: 'e' in -e", 125),
            (
                &["--rm=maybe", "x"],
                "invalid argument \"maybe\" for \"--rm\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
                125,
            ),
            (&[], "'sampan run' requires at least 1 argument", 1),
            (
                &["--gpus", "all", "x"],
                "--gpus is not supported by this version of sampan: name the device files with --device",
                125,
            ),
        ] {
            assert_eq!(complaint_about(words), (message.to_owned(), code), "{words:?}");
        }
    }

    #[test]
    fn dockers_grammar_of_flags() {
        let typed = parsed(
            &crate::verbs::run::RUN,
            &[
                "-it",
                "--rm=false",
                "--name",
                "a",
                "--name=b",
                "-e",
                "-x",
                "-eA=1",
                "img",
                "--rm",
                "-it",
                "--",
                "y",
            ],
        );
        let typed = typed.unwrap_or_else(|error| panic!("{error}"));
        assert!(
            typed.is_on("interactive") && typed.is_on("tty") && !typed.is_on("rm") && typed.was_typed("rm")
        );
        assert!(typed.is_on("sig-proxy") && !typed.was_typed("sig-proxy"));
        assert_eq!(typed.text("name"), Some("b"));
        assert_eq!(typed.list("env"), ["-x", "A=1"]);
        assert_eq!(typed.arguments(), ["img", "--rm", "-it", "--", "y"]);
        let after_dashes = parsed(&crate::verbs::run::RUN, &["--", "img", "-x"]);
        assert_eq!(after_dashes.unwrap_or_else(|error| panic!("{error}")).arguments(), ["img", "-x"]);
        // Verbs that take no command look for flags everywhere.
        let everywhere =
            parsed(&crate::verbs::rm::RM, &["a", "-f", "b"]).unwrap_or_else(|error| panic!("{error}"));
        assert!(everywhere.is_on("force"));
        assert_eq!(everywhere.arguments(), ["a", "b"]);
    }

    /// What Docker's help lists, by verb.
    const DOCKER_FLAGS: &str = include_str!("docker-28-flags.txt");

    fn find(words: &str) -> Option<&'static Verb> {
        let all = || table::COMMON.iter().chain(table::GROUPS).chain(table::VERBS);
        match words.split_once(' ') {
            None => all().find_map(|entry| match entry {
                Entry::Verb(verb) if verb.name == words => Some(*verb),
                _ => None,
            }),
            Some((noun, name)) => all().find_map(|entry| match entry {
                Entry::Group(group) if group.name == noun => {
                    group.verbs.iter().find(|verb| verb.name == name).map(|found| found.verb)
                }
                _ => None,
            }),
        }
    }

    #[test]
    fn every_flag_of_docker_is_honoured_or_refused_by_name() {
        let mut wrong = Vec::new();
        for line in DOCKER_FLAGS.lines().filter(|line| !line.starts_with('#')) {
            let (words, flags) = line.split_once(':').unwrap_or((line, ""));
            let (command, refused) = match (words, find(words)) {
                ("docker", _) => (define_globals(Command::new("sampan")), GLOBALS_REFUSED),
                (_, Some(verb)) => (verb_command(verb), verb.refused),
                (_, None) => {
                    wrong.push(format!("{words}: no such verb"));
                    continue;
                }
            };
            for flag in flags.split_whitespace() {
                let (name, short) = flag.split_once('/').unwrap_or((flag, "\0"));
                let short = short.chars().next().filter(|short| *short != '\0');
                let honoured = command
                    .get_arguments()
                    .any(|arg| arg.get_long() == Some(name) && (short.is_none() || arg.get_short() == short));
                let refused = refused
                    .iter()
                    .any(|one| one.name == name && (short.is_none() || Some(one.short) == short));
                if honoured == refused {
                    wrong.push(format!("{words}: --{flag}: honoured {honoured}, refused {refused}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn helps_are_whole() {
        for entry in table::COMMON.iter().chain(table::VERBS) {
            if let Entry::Verb(verb) = entry {
                verb_command(verb).debug_assert();
                let help = verb_help(verb, &format!("sampan {}", verb.name), crate::args::Look::plain(80));
                assert!(help.starts_with(&format!("Usage:  sampan {}", verb.name)), "{help}");
                assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
            }
        }
    }
}
