//! From the words of the command line to the verb that they mean.

use crate::args::{Entry, Globals, UsageError, nearest, parse_verb};
use crate::args::{group_help, program_help, verb_help};
use crate::context::{Context, terminal_width};
use crate::failure::Failure;
use crate::table;
use std::ffi::OsString;

/// What the words mean.
enum Meaning<'a> {
    Verb { verb: &'static crate::args::Verb, path: String, args: &'a [OsString] },
    Help(String),
}

/// Carries out what stands after the global flags.
pub(crate) fn dispatch(context: &mut Context, globals: &Globals) -> Result<u8, Failure> {
    if globals.help || globals.rest.is_empty() {
        context.print(&all_help())?;
        return Ok(0);
    }
    let found = find(&globals.rest)
        .map_err(|error| Failure::from(error).with_hint("Run 'sampan --help' for more information"))?;
    match found {
        Meaning::Help(text) => context.print(&text).map(|()| 0),
        Meaning::Verb { verb, path, args } => {
            let typed = parse_verb(verb, &path, args).map_err(|error| with_pointer(error, &path))?;
            if typed.is_on("help") {
                context.print(&verb_help(verb, &path, terminal_width()))?;
                return Ok(0);
            }
            (verb.run)(context, &typed)
        }
    }
}

/// A complaint about flags says where the help is; a refusal is complete as it is.
fn with_pointer(error: UsageError, path: &str) -> Failure {
    let complete = matches!(error, UsageError::NotSupported { .. });
    let failure = Failure::from(error);
    if complete { failure } else { failure.with_hint(format!("Run '{path} --help' for more information")) }
}

fn all_help() -> String {
    program_help(table::COMMON, table::GROUPS, table::VERBS, terminal_width())
}

fn entries() -> impl Iterator<Item = Entry> {
    table::COMMON.iter().chain(table::GROUPS).chain(table::VERBS).copied()
}

fn find(words: &[OsString]) -> Result<Meaning<'_>, UsageError> {
    let word =
        |index: usize| words.get(index).map(|word| word.to_str().ok_or(UsageError::NotUtf8)).transpose();
    let first = word(0)?.unwrap_or_default();
    if first == "help" {
        return help_for(&words[1..]);
    }
    let Some(entry) = entries().find(|entry| entry.name() == first) else {
        let suggestion = nearest(first, entries().map(Entry::name)).map(|name| format!("sampan {name}"));
        return Err(UsageError::UnknownCommand { command: format!("sampan {first}"), suggestion });
    };
    match entry {
        Entry::Verb(verb) => Ok(Meaning::Verb { verb, path: format!("sampan {first}"), args: &words[1..] }),
        Entry::Group(group) => match word(1)? {
            None | Some("--help" | "help") => Ok(Meaning::Help(group_help(group))),
            Some(second) => {
                let path = format!("sampan {first} {second}");
                match group.verbs.iter().find(|entry| entry.name == second) {
                    Some(entry) => Ok(Meaning::Verb { verb: entry.verb, path, args: &words[2..] }),
                    None => {
                        let names = group.verbs.iter().map(|entry| entry.name);
                        let suggestion = nearest(second, names).map(|name| format!("sampan {first} {name}"));
                        Err(UsageError::UnknownCommand { command: path, suggestion })
                    }
                }
            }
        },
    }
}

fn help_for(words: &[OsString]) -> Result<Meaning<'_>, UsageError> {
    if words.is_empty() {
        return Ok(Meaning::Help(all_help()));
    }
    Ok(match find(words)? {
        Meaning::Verb { verb, path, .. } => Meaning::Help(verb_help(verb, &path, terminal_width())),
        help => help,
    })
}
