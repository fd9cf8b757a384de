//! Help texts in Docker's layout.

use super::parse::{define_globals, is_switch, verb_command};
use super::{Entry, Group, Verb};
use clap::{Arg, Command};
use std::fmt::Write;

/// The help of one verb; `width` is the terminal's.
pub(crate) fn verb_help(verb: &Verb, path: &str, width: usize) -> String {
    let mut text = format!("Usage:  {path} {}\n\n{}\n", verb.usage, verb.about);
    if verb.spellings.len() > 1 {
        let _ = write!(text, "\nAliases:\n  {}\n", verb.spellings.join(", "));
    }
    let command = verb_command(verb);
    if shown(&command).next().is_some() {
        text.push_str("\nOptions:\n");
        text.push_str(&options(&command, width));
    }
    text
}

/// One command and what it is for.
fn described(text: &mut String, name: &str, widest: usize, about: &str, width: usize) {
    let indent = widest + 5;
    for (at, line) in wrap(about, width.saturating_sub(indent).max(20)).iter().enumerate() {
        let start = if at == 0 { name } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {start:widest$}   {line}");
    }
}

/// The help of a noun; `width` is the terminal's.
pub(crate) fn group_help(group: &Group, width: usize) -> String {
    let mut text = format!("Usage:  sampan {} COMMAND\n\n{}\n\nCommands:\n", group.name, group.about);
    let listed = || group.verbs.iter().filter(|entry| entry.listed);
    let widest = listed().map(|entry| entry.name.len()).max().unwrap_or(0);
    for entry in listed() {
        described(&mut text, entry.name, widest, entry.verb.about, width);
    }
    let _ = write!(text, "\nRun 'sampan {} COMMAND --help' for more information on a command.\n", group.name);
    text
}

/// The help of the program: a first look, then everything.
pub(crate) fn program_help(common: &[Entry], groups: &[Entry], verbs: &[Entry], width: usize) -> String {
    let mut text = String::from(
        "Usage:  sampan [OPTIONS] COMMAND\n\nContainers with Docker's commands, without a daemon\n",
    );
    let all = || common.iter().chain(groups).chain(verbs);
    let widest = all().map(|entry| entry.name().len()).max().unwrap_or(0);
    for (title, entries) in
        [("Common Commands", common), ("Management Commands", groups), ("Commands", verbs)]
    {
        let _ = write!(text, "\n{title}:\n");
        for entry in entries {
            described(&mut text, entry.name(), widest, entry.about(), width);
        }
    }
    text.push_str("\nGlobal Options:\n");
    text.push_str(&options(&define_globals(Command::new("sampan")), width));
    text.push_str(
        "\nTry:  sampan run --rm localhost/sampan-demo\nRun 'sampan COMMAND --help' for more information on a command.\n",
    );
    text
}

fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_long().is_some())
}

fn options(command: &Command, width: usize) -> String {
    let mut args: Vec<_> = shown(command).collect();
    args.sort_by_key(|arg| arg.get_long());
    let left: Vec<String> = args.iter().map(|arg| left_column(arg)).collect();
    let indent = left.iter().map(String::len).max().unwrap_or(0) + 3;
    let room = width.saturating_sub(indent).max(20);
    let mut text = String::new();
    for (arg, left) in args.iter().zip(&left) {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        for (at, line) in wrap(&help, room).iter().enumerate() {
            let start = if at == 0 { left.as_str() } else { "" };
            let _ = writeln!(text, "{start:indent$}{line}");
        }
    }
    text
}

fn left_column(arg: &Arg) -> String {
    let short = arg.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let long = arg.get_long().unwrap_or_default();
    let kind = arg.get_value_names().and_then(|names| names.first()).filter(|_| !is_switch(arg));
    match kind {
        Some(kind) => format!("  {short}--{long} {kind}"),
        None => format!("  {short}--{long}"),
    }
}

/// Lines of at most `room` letters, broken at spaces.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].len() + 1 + word.len() > room {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 3), ["unbreakable"]);
        assert_eq!(wrap("", 3), [""]);
    }
}
