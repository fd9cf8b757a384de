//! From the words of the command line to the verb that they mean.

use crate::args::Look;
use crate::args::{Entry, Globals, Group, UsageError, Verb, nearest, parse_verb};
use crate::args::{group_help, program_help, verb_help};
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Program;
use crate::verbs::exists::exists;
use crate::{docker_commands, program, table};
use std::ffi::OsString;

/// What the words mean.
enum Meaning<'a> {
    Verb {
        verb: &'static Verb,
        path: String,
        args: &'a [OsString],
    },
    Help(String),
    /// A group without a verb: Docker shows the help as a complaint.
    Incomplete(String),
}

/// Carries out what stands after the global flags.
pub(crate) fn dispatch(context: &mut Context, globals: &Globals) -> Result<u8, Failure> {
    if globals.help || globals.rest.is_empty() {
        context.print(&all_help())?;
        return Ok(0);
    }
    match find(&globals.rest)? {
        Meaning::Help(text) => context.print(&text).map(|()| 0),
        Meaning::Incomplete(text) => {
            eprint!("{text}");
            Ok(0)
        }
        Meaning::Verb { verb, path, args } => {
            let help = || verb_help(verb, &path, Look::of_stdout());
            match parse_verb(verb, &path, args) {
                Ok(typed) if typed.is_on("help") => context.print(&help()).map(|()| 0),
                Ok(typed) => (verb.run)(context, &typed),
                // Where -h is no flag of the verb, people mean this.
                Err(UsageError::UnknownShorthand { letter: 'h', .. }) => context.print(&help()).map(|()| 0),
                Err(error) => {
                    Err(with_usage(error, &program::renamed(&format!("{path} {}", verb.usage)), &path))
                }
            }
        }
    }
}

/// A complaint about what was typed, in Docker's form: the complaint, the usage line, and where the help is. A refusal
/// and what is wrong with a value are complete as they are.
pub(crate) fn with_usage(error: UsageError, usage: &str, path: &str) -> Failure {
    let complete = matches!(
        error,
        UsageError::NotSupported { .. } | UsageError::NoSuchVerb { .. } | UsageError::InvalidValue { .. }
    );
    let failure = Failure::from(error);
    if complete {
        failure
    } else {
        failure
            .with_hint(format!("\nUsage:  {}\n\nRun '{path} --help' for more information", usage.trim_end()))
    }
}

/// The help of the program.
pub(crate) fn all_help() -> String {
    program_help(table::COMMON, table::GROUPS, table::VERBS, Look::of_stdout())
}

/// What the help lists.
fn listed() -> impl Iterator<Item = Entry> {
    table::COMMON.iter().chain(table::GROUPS).chain(table::VERBS).copied()
}

fn entries() -> impl Iterator<Item = Entry> {
    listed().chain(table::HIDDEN.iter().copied())
}

fn find(words: &[OsString]) -> Result<Meaning<'_>, Failure> {
    let word = |index: usize| {
        let word = words.get(index).map(|word| word.to_str().ok_or(UsageError::NotUtf8));
        word.transpose().map_err(Failure::from)
    };
    let first = word(0)?.unwrap_or_default();
    if first == "help" {
        return help_for(&words[1..]);
    }
    let Some(entry) = entries().find(|entry| entry.name() == first) else {
        return Err(unknown_command(first));
    };
    match entry {
        Entry::Verb(verb) => {
            Ok(Meaning::Verb { verb, path: format!("{} {first}", program::name()), args: &words[1..] })
        }
        Entry::Group(group) => match word(1)? {
            None => Ok(Meaning::Incomplete(group_help(group, Look::of_stdout()))),
            Some("--help" | "help") => Ok(Meaning::Help(group_help(group, Look::of_stdout()))),
            Some(second) => {
                let path = format!("{} {first} {second}", program::name());
                match group.verbs.iter().find(|entry| entry.name == second) {
                    Some(entry) => Ok(Meaning::Verb { verb: entry.verb, path, args: &words[2..] }),
                    None => match podman_verb(group, second) {
                        Some(verb) => Ok(Meaning::Verb { verb, path, args: &words[2..] }),
                        None => Err(unknown_in(group, second)),
                    },
                }
            }
        },
    }
}

/// What only podman has, for who calls the program so.
fn podman_verb(group: &Group, second: &str) -> Option<&'static Verb> {
    let has_it = program::called() == Program::Podman && second == "exists";
    has_it.then(|| exists(group.name)).flatten()
}

fn unknown_command(first: &str) -> Failure {
    let name = program::name();
    let command = format!("{name} {first}");
    if docker_commands::has(first) {
        let advice = docker_commands::advice(first);
        return Failure::from(UsageError::NoSuchVerb { command, advice });
    }
    let suggestion = nearest(first, listed().map(Entry::name)).map(|verb| format!("{name} {verb}"));
    Failure::from(UsageError::UnknownCommand { command, suggestion })
        .with_hint(format!("\nRun '{name} --help' for more information"))
}

fn unknown_in(group: &Group, second: &str) -> Failure {
    let noun = format!("{} {}", program::name(), group.name);
    let command = format!("{noun} {second}");
    if docker_commands::has(&format!("{} {second}", group.name)) {
        return Failure::from(UsageError::NoSuchVerb { command, advice: docker_commands::advice(second) });
    }
    let names = group.verbs.iter().map(|entry| entry.name);
    let suggestion = nearest(second, names).map(|name| format!("{noun} {name}"));
    with_usage(UsageError::UnknownCommand { command, suggestion }, &format!("{noun} COMMAND"), &noun)
}

fn help_for(words: &[OsString]) -> Result<Meaning<'_>, Failure> {
    if words.is_empty() {
        return Ok(Meaning::Help(all_help()));
    }
    Ok(match find(words)? {
        Meaning::Verb { verb, path, .. } => Meaning::Help(verb_help(verb, &path, Look::of_stdout())),
        Meaning::Incomplete(text) | Meaning::Help(text) => Meaning::Help(text),
    })
}
