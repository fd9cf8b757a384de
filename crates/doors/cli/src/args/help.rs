//! Help texts in Docker's layout, with examples, and with sections where there are many flags.

use super::examples::examples;
use super::look::Look;
use super::parse::{define_globals, is_switch, verb_command};
use super::sections::sections;
use super::{Entry, Group, Verb};
use crate::program;
use clap::{Arg, Command};
use std::fmt::Write;

/// The help of one verb.
pub(crate) fn verb_help(verb: &Verb, path: &str, look: Look) -> String {
    let usage = program::renamed(&format!("{path} {}", verb.usage));
    let mut text =
        format!("{}  {}\n\n{}\n", look.title("Usage:"), look.literal(usage.trim_end()), verb.about);
    if verb.spellings.len() > 1 {
        let spellings: Vec<String> = verb.spellings.iter().map(|text| program::renamed(text)).collect();
        let _ = write!(text, "\n{}\n  {}\n", look.title("Aliases:"), spellings.join(", "));
    }
    let command = verb_command(verb);
    for (title, args) in in_sections(&command) {
        let _ = write!(text, "\n{}\n{}", look.title(&format!("{title}:")), options(&args, look));
    }
    let examples = verb.spellings.last().map_or(&[][..], |spelling| examples(spelling));
    if !examples.is_empty() {
        let _ = writeln!(text, "\n{}", look.title("Examples:"));
        for (typed, about) in examples {
            let _ = writeln!(text, "  {}\n      {about}", look.literal(&program::renamed(typed)));
        }
    }
    text
}

/// The flags that a help lists, by section and in alphabetical order.
pub(crate) fn in_sections(command: &Command) -> Vec<(String, Vec<&Arg>)> {
    let mut shown: Vec<&Arg> =
        command.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_long().is_some()).collect();
    shown.sort_by_key(|arg| arg.get_long());
    let names: Vec<&str> = shown.iter().filter_map(|arg| arg.get_long()).collect();
    let with_name = |name: &str| shown.iter().copied().find(|arg| arg.get_long() == Some(name));
    let of_names = |names: Vec<&str>| names.into_iter().filter_map(with_name).collect();
    sections(&names).into_iter().map(|(title, names)| (title, of_names(names))).collect()
}

/// One command and what it is for.
fn described(text: &mut String, name: &str, widest: usize, about: &str, look: Look) {
    let indent = widest + 5;
    for (at, line) in wrap(about, look.width.saturating_sub(indent).max(20)).iter().enumerate() {
        let start = if at == 0 { name } else { "" };
        let blanks = " ".repeat(widest - start.len());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}{blanks}   {line}", look.literal(start));
    }
}

/// The help of a noun.
pub(crate) fn group_help(group: &Group, look: Look) -> String {
    let name = program::name();
    let mut text = format!(
        "{}  {}\n\n{}\n\n{}\n",
        look.title("Usage:"),
        look.literal(&format!("{name} {} COMMAND", group.name)),
        group.about,
        look.title("Commands:")
    );
    let listed = || group.verbs.iter().filter(|entry| entry.listed);
    let widest = listed().map(|entry| entry.name.len()).max().unwrap_or(0);
    for entry in listed() {
        described(&mut text, entry.name, widest, entry.verb.about, look);
    }
    let _ = write!(text, "\nRun '{name} {} COMMAND --help' for more information on a command.\n", group.name);
    text
}

/// The help of the program: a first look, then everything.
pub(crate) fn program_help(common: &[Entry], groups: &[Entry], verbs: &[Entry], look: Look) -> String {
    let name = program::name();
    let usage = look.literal(&format!("{name} [OPTIONS] COMMAND"));
    let mut text =
        format!("{}  {usage}\n\nContainers with Docker's commands, without a daemon\n", look.title("Usage:"));
    let all = || common.iter().chain(groups).chain(verbs);
    let widest = all().map(|entry| entry.name().len()).max().unwrap_or(0);
    for (title, entries) in
        [("Common Commands:", common), ("Management Commands:", groups), ("Commands:", verbs)]
    {
        let _ = write!(text, "\n{}\n", look.title(title));
        for entry in entries {
            described(&mut text, entry.name(), widest, entry.about(), look);
        }
    }
    let globals = define_globals(Command::new("sampan"));
    for (_, args) in in_sections(&globals) {
        let _ = write!(text, "\n{}\n{}", look.title("Global Options:"), options(&args, look));
    }
    let example = look.literal(&format!("{name} run --rm localhost/sampan-demo"));
    let _ =
        write!(text, "\nTry:  {example}\nRun '{name} COMMAND --help' for more information on a command.\n");
    text
}

fn options(args: &[&Arg], look: Look) -> String {
    let left: Vec<String> = args.iter().map(|arg| left_column(arg)).collect();
    let indent = left.iter().map(String::len).max().unwrap_or(0) + 3;
    let room = look.width.saturating_sub(indent).max(20);
    let mut text = String::new();
    for (arg, left) in args.iter().zip(&left) {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        for (at, line) in wrap(&help, room).iter().enumerate() {
            let start = if at == 0 { left.as_str() } else { "" };
            let blanks = " ".repeat(indent - start.len());
            let _ = writeln!(text, "{}{blanks}{line}", look.literal(start));
        }
    }
    text
}

fn left_column(arg: &Arg) -> String {
    let short = arg.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let long = arg.get_long().unwrap_or_default();
    match kind(arg) {
        Some(kind) => format!("  {short}--{long} {kind}"),
        None => format!("  {short}--{long}"),
    }
}

/// What a flag's value is called; `None` for a switch.
pub(crate) fn kind(arg: &Arg) -> Option<&str> {
    let names = arg.get_value_names().and_then(|names| names.first()).filter(|_| !is_switch(arg));
    names.map(AsRef::as_ref)
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
