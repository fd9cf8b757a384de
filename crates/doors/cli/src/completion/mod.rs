//! What may follow on a command line, for shells: `sampan __complete WORDS... WORD` answers with candidates for the
//! last word.
//!
//! The words, nouns and flags come from the verb table, names of containers and the like from the instance. The answer
//! is cobra's, which Docker's own scripts read: a line `candidate<tab>description` each, then `:` and a number (1
//! nothing can be said, 2 no blank after it, 4 no files, 16 directories alone).

mod line;
mod scripts;
mod values;
mod wanted;

pub(crate) use scripts::{BASH, FISH, ZSH, script};

use crate::args::{Entry, Globals, define_globals, in_sections};
use crate::context::Context;
use crate::table;
use clap::{Arg, Command};
use line::{Line, Place};
use std::fmt::Write;
use values::Values;
use wanted::Wanted;

/// The verb that scripts call, and the one that asks for no descriptions.
pub(crate) const VERBS: [&str; 2] = ["__complete", "__completeNoDesc"];

const NO_BLANK: u8 = 2;
const NO_FILES: u8 = 4;
const DIRECTORIES: u8 = 16;

/// One candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    word: String,
    about: String,
}

impl Candidate {
    pub(crate) fn new(word: impl Into<String>, about: impl Into<String>) -> Self {
        Self { word: word.into(), about: about.into() }
    }
}

/// The global flags among the words, which the values depend on (`--data-root`).
pub(crate) fn globals(words: &[String]) -> Globals {
    let before = words.split_last().map_or(&[][..], |(_, before)| before);
    let typed = line::global_words(before);
    let words = std::iter::once("sampan".into()).chain(typed.iter().map(Into::into)).collect();
    crate::args::parse_globals(words).unwrap_or_default()
}

/// The answer for these words; the last one is being typed.
pub(crate) fn answer(context: &Context, words: &[String], described: bool) -> String {
    let (current, before) = match words.split_last() {
        Some((current, before)) => (current.as_str(), before),
        None => ("", &[][..]),
    };
    let line = Line::read(before);
    let (candidates, number) = candidates(context, &line, current);
    let mut text = String::new();
    for candidate in candidates.iter().filter(|candidate| candidate.word.starts_with(current)) {
        // Writing to a String cannot fail.
        let _ = match described && !candidate.about.is_empty() {
            true => writeln!(text, "{}\t{}", candidate.word, candidate.about),
            false => writeln!(text, "{}", candidate.word),
        };
    }
    let _ = writeln!(text, ":{number}");
    text
}

fn candidates(context: &Context, line: &Line, current: &str) -> (Vec<Candidate>, u8) {
    let values = Values { context };
    // A value behind an equals sign is one word with its flag.
    if let Some((flag, typed)) = line.flag_of(current) {
        let (found, number) = values.of(&wanted::of_flag(&line.verb_name(), flag), typed);
        let with_flag = |candidate: Candidate| Candidate {
            word: format!("{}{}", &current[..current.len() - typed.len()], candidate.word),
            ..candidate
        };
        return (found.into_iter().map(with_flag).collect(), number);
    }
    match &line.place {
        Place::Value(flag) => values.of(&wanted::of_flag(&line.verb_name(), flag), current),
        Place::Verb if current.starts_with('-') => {
            (flags(&define_globals(Command::new("sampan")), current), NO_FILES)
        }
        Place::Verb => (entries(), NO_FILES),
        Place::InGroup(group) => {
            let listed = group.verbs.iter().filter(|entry| entry.listed);
            (listed.map(|entry| Candidate::new(entry.name, entry.verb.about)).collect(), NO_FILES)
        }
        Place::Flags if current.starts_with('-') => {
            (line.command.as_ref().map(|command| flags(command, current)).unwrap_or_default(), NO_FILES)
        }
        Place::Flags | Place::Arguments => {
            let arguments: Vec<&str> = line.arguments.iter().map(String::as_str).collect();
            values.of(&wanted::of_argument(&line.verb_name(), &arguments), current)
        }
        Place::Nowhere => (Vec::new(), NO_FILES),
    }
}

fn entries() -> Vec<Candidate> {
    let all = table::COMMON.iter().chain(table::GROUPS).chain(table::VERBS);
    let mut found: Vec<Candidate> =
        all.map(|entry: &Entry| Candidate::new(entry.name(), entry.about())).collect();
    found.sort_by(|one, other| one.word.cmp(&other.word));
    found
}

/// The flags of a verb; short ones only while nothing says that a long one is meant.
fn flags(command: &Command, current: &str) -> Vec<Candidate> {
    let about = |arg: &Arg| arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut found = Vec::new();
    for arg in in_sections(command).into_iter().flat_map(|(_, args)| args) {
        found.extend(arg.get_long().map(|name| Candidate::new(format!("--{name}"), about(arg))));
        if !current.starts_with("--") {
            found.extend(arg.get_short().map(|letter| Candidate::new(format!("-{letter}"), about(arg))));
        }
    }
    found.push(Candidate::new("--help", "Print usage"));
    found.sort_by(|one, other| one.word.cmp(&other.word));
    found
}

/// What the values of something look like to a shell.
fn number_of(wanted: &Wanted) -> u8 {
    match wanted {
        Wanted::Files => 0,
        Wanted::Directories => DIRECTORIES,
        Wanted::Copied => NO_BLANK,
        Wanted::Mounted => NO_BLANK,
        _ => NO_FILES,
    }
}
