//! How far a command line has come: which verb, which flags, what comes next.

use crate::args::{Arity, Entry, Group, Verb, define_globals, is_switch, verb_command};
use crate::table;
use clap::{Arg, Command};

/// What may stand at the end of a line.
pub(super) enum Place {
    /// A verb, a noun or a global flag.
    Verb,
    /// A verb of the noun.
    InGroup(&'static Group),
    /// A flag of the verb, or an argument.
    Flags,
    /// Only arguments.
    Arguments,
    /// The value of the flag of that long name.
    Value(String),
    /// After a word that nobody knows.
    Nowhere,
}

/// A command line up to the word that is being typed.
pub(super) struct Line {
    pub(super) place: Place,
    /// The verb that was found.
    pub(super) verb: Option<&'static Verb>,
    /// Its flags.
    pub(super) command: Option<Command>,
    /// Its arguments so far.
    pub(super) arguments: Vec<String>,
}

impl Line {
    /// Reads the words after the program's name.
    pub(super) fn read(words: &[String]) -> Self {
        let globals = define_globals(Command::new("sampan"));
        let mut line = Self { place: Place::Verb, verb: None, command: None, arguments: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match &line.place {
                Place::Verb | Place::InGroup(_) if word == "help" => line.place = Place::Verb,
                Place::Verb => match takes_value(&globals, word) {
                    Flag::Value(name) if words.next().is_none() => line.place = Place::Value(name),
                    Flag::No => line.place = line.entered(word),
                    _ => {}
                },
                Place::InGroup(group) => {
                    let found = group.verbs.iter().find(|entry| entry.name == *word);
                    line.place = found.map_or(Place::Nowhere, |entry| line.at(entry.verb));
                }
                Place::Flags => {
                    let command = line.command.take().unwrap_or_default();
                    match takes_value(&command, word) {
                        _ if word == "--" => line.place = Place::Arguments,
                        Flag::Value(name) if words.next().is_none() => line.place = Place::Value(name),
                        Flag::No => {
                            line.arguments.push(word.clone());
                            // What follows is the container's own command.
                            if matches!(line.verb.map(|verb| verb.arity), Some(Arity::Trailing(_))) {
                                line.place = Place::Arguments;
                            }
                        }
                        _ => {}
                    }
                    line.command = Some(command);
                }
                Place::Arguments => line.arguments.push(word.clone()),
                Place::Value(_) | Place::Nowhere => {}
            }
        }
        line
    }

    fn entered(&mut self, word: &str) -> Place {
        let all = || table::COMMON.iter().chain(table::GROUPS).chain(table::VERBS);
        match all().find(|entry| entry.name() == word) {
            Some(Entry::Verb(verb)) => self.at(verb),
            Some(Entry::Group(group)) => Place::InGroup(group),
            None => Place::Nowhere,
        }
    }

    fn at(&mut self, verb: &'static Verb) -> Place {
        self.verb = Some(verb);
        self.command = Some(verb_command(verb));
        Place::Flags
    }

    /// The verb as its last spelling has it, without the program's name; empty before it.
    pub(super) fn verb_name(&self) -> String {
        let spelling = self.verb.and_then(|verb| verb.spellings.last()).copied().unwrap_or_default();
        spelling.strip_prefix("sampan ").unwrap_or(spelling).to_owned()
    }

    /// The flag and the beginning of its value, of a word like `--network=br`.
    pub(super) fn flag_of<'a>(&self, word: &'a str) -> Option<(&'a str, &'a str)> {
        let known = matches!(self.place, Place::Verb | Place::Flags);
        word.strip_prefix("--").filter(|_| known)?.split_once('=')
    }
}

/// The words that belong to global flags.
pub(super) fn global_words(words: &[String]) -> Vec<String> {
    let globals = define_globals(Command::new("sampan"));
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match takes_value(&globals, word) {
            Flag::No => break,
            Flag::Switch => found.push(word.clone()),
            Flag::Value(_) => match words.next() {
                Some(value) => found.extend([word.clone(), value.clone()]),
                None => break,
            },
        }
    }
    found
}

/// What a word is.
enum Flag {
    /// No flag.
    No,
    /// One that is complete.
    Switch,
    /// One whose value is the next word.
    Value(String),
}

fn takes_value(command: &Command, word: &str) -> Flag {
    let name_of = |arg: &Arg| arg.get_long().unwrap_or_default().to_owned();
    if let Some(long) = word.strip_prefix("--") {
        let found = command.get_arguments().find(|arg| arg.get_long() == Some(long));
        return match found {
            // With an equals sign, or unknown: it is complete.
            Some(arg) if !is_switch(arg) => Flag::Value(name_of(arg)),
            _ => Flag::Switch,
        };
    }
    let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else { return Flag::No };
    for (at, letter) in letters.char_indices() {
        let found = command.get_arguments().find(|arg| arg.get_short() == Some(letter));
        if let Some(arg) = found.filter(|arg| !is_switch(arg)) {
            // `-p80`: the rest of the cluster is the value.
            let last = at + letter.len_utf8() == letters.len();
            return if last { Flag::Value(name_of(arg)) } else { Flag::Switch };
        }
    }
    Flag::Switch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_place_in_a_line_is_known() {
        let shown = |text| match line(text).place {
            Place::Verb => "verb".to_owned(),
            Place::InGroup(group) => format!("in {}", group.name),
            Place::Flags => "flags".to_owned(),
            Place::Arguments => "arguments".to_owned(),
            Place::Value(name) => format!("--{name}"),
            Place::Nowhere => "nowhere".to_owned(),
        };
        for (text, place) in [
            ("", "verb"),
            ("--data-root /x -D", "verb"),
            ("--data-root", "--data-root"),
            ("container", "in container"),
            ("run --rm -it", "flags"),
            ("run --rm -it --network", "--network"),
            ("run -itp", "--publish"),
            ("run -p80", "flags"),
            ("frobnicate", "nowhere"),
            ("container exec -it web ls -l", "arguments"),
        ] {
            assert_eq!(shown(text), place, "{text}");
        }
    }

    #[test]
    fn words_belong_to_the_verb_or_stand_before_it() {
        let exec = line("container exec -it web ls -l");
        assert_eq!(exec.arguments, ["web", "ls", "-l"]);
        assert_eq!((exec.verb_name().as_str(), line("image ls").verb_name().as_str()), ("exec", "images"));
        assert_eq!(global_words(&["-D", "-H", "x", "ps", "-a"].map(str::to_owned)), ["-D", "-H", "x"]);
    }
}
