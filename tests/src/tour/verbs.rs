//! Which commands the program has, and which of them the tour visits.

use super::visit::{Step, Visit};
use crate::sampan::Sampan;
use std::collections::BTreeSet;

/// Commands (all spellings of each) that no visit types, by the program's own helps.
///
/// # Panics
/// When a help cannot be read.
#[must_use]
pub fn unvisited(sampan: &Sampan, visits: &[Visit]) -> Vec<String> {
    let typed = typed(visits);
    let mut missing: BTreeSet<Vec<String>> = BTreeSet::new();
    for path in commands(sampan) {
        let spellings = spellings(sampan, &path);
        if !spellings.iter().any(|spelling| typed.contains(spelling)) {
            missing.insert(spellings);
        }
    }
    missing.into_iter().map(|spellings| spellings.join(", ")).collect()
}

/// `sampan VERB` and `sampan NOUN VERB` of every command that is typed.
fn typed(visits: &[Visit]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, step) in visits.iter().flat_map(|visit| &visit.steps) {
        let Step::Command(line) = step else { continue };
        let words: Vec<&str> = line.split([' ', '(']).collect();
        for at in (0..words.len()).filter(|at| words[*at] == "sampan") {
            for length in [2, 3] {
                found.extend(words.get(at..at + length).map(|words| words.join(" ")));
            }
        }
    }
    found
}

/// Every command, from the help of the program and of its nouns.
fn commands(sampan: &Sampan) -> Vec<String> {
    let help = |words: &[&str]| sampan.run(words).ok().stdout();
    let all = help(&["--help"]);
    let mut found = Vec::new();
    for title in ["Common Commands:", "Commands:"] {
        found.extend(listed(&all, title).into_iter().map(|verb| format!("sampan {verb}")));
    }
    for noun in listed(&all, "Management Commands:") {
        let verbs = listed(&help(&[&noun, "--help"]), "Commands:");
        found.extend(verbs.into_iter().map(|verb| format!("sampan {noun} {verb}")));
    }
    assert!(found.len() > 30, "the commands were not found in\n{all}");
    found
}

/// The first words of the lines below a title.
fn listed(help: &str, title: &str) -> Vec<String> {
    let below = help.lines().skip_while(|line| *line != title).skip(1);
    let entries = below.take_while(|line| line.starts_with("  "));
    // A description that goes on is further in.
    let first =
        entries.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    first.map(String::from).collect()
}

/// A command under all its names, as its help tells them.
fn spellings(sampan: &Sampan, path: &str) -> Vec<String> {
    let words: Vec<&str> = path.split(' ').skip(1).chain(["--help"]).collect();
    let help = sampan.run(words).ok().stdout();
    let aliases = help.lines().skip_while(|line| *line != "Aliases:").nth(1);
    let aliases = aliases.into_iter().flat_map(|line| line.split(',')).map(|name| name.trim().to_owned());
    let mut found: Vec<String> = aliases.collect();
    if !found.iter().any(|name| name == path) {
        found.push(path.to_owned());
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_commands_are_found_in_lines() {
        let visit = Visit::parse("x", "$ sampan rm -f $(sampan ps -q)\n$ sampan system df | head\n");
        let typed = typed(&[visit]);
        for command in ["sampan rm", "sampan ps", "sampan system df"] {
            assert!(typed.contains(command), "{typed:?}");
        }
    }

    #[test]
    fn helps_list_commands() {
        let help = "Usage\n\nCommands:\n  run   Run\n        and more\n  ps    List\n\nOptions:\n  --x\n";
        assert_eq!(listed(help, "Commands:"), ["run", "ps"]);
    }
}
