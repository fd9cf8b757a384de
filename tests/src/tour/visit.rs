//! A visit as a text.
//!
//! ```text
//! # Words for the reader.
//! $ sampan run --rm -it busybox sh
//! / # echo typed into the container
//! typed into the container
//! / #
//! [press ctrl-p ctrl-q after "/ # "]
//! $ sampan ps
//! ```
//!
//! What is typed begins with a prompt: the shell's `$ ` or that of a shell in a container, `/ # `. A line in brackets
//! presses keys, once what is quoted has been shown. `[exit code 1]` is what the command before ended with. All other
//! lines are what the terminal showed.

use crate::paths;
use std::fs;
use std::path::PathBuf;

/// The prompt of the shell that the tour is typed into.
pub(super) const PROMPT: &str = "$ ";
/// The prompt of busybox' shell for root.
pub(super) const INNER_PROMPT: &str = "/ # ";

/// One thing that is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A line at the prompt of the shell.
    Command(String),
    /// A line at the prompt of a shell in a container.
    Inner(String),
    /// Keys, once a text has been shown.
    Press {
        /// The line of the file.
        line: String,
        /// Their bytes.
        keys: Vec<u8>,
        /// What is waited for.
        after: String,
    },
}

/// A file of the tour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Its file name without `.txt`.
    pub name: String,
    /// The whole recording.
    pub text: String,
    /// What is typed, each with the words for the reader before it.
    pub steps: Vec<(Vec<String>, Step)>,
}

/// Where the files are.
#[must_use]
pub(super) fn directory() -> PathBuf {
    paths::repository().join("tests/tour/visits")
}

/// Every visit, in the order of their names.
///
/// # Panics
/// When a file cannot be read or is not a visit.
#[must_use]
pub fn all_visits() -> Vec<Visit> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let texts = paths.iter().map(|path| {
        assert!(
            path.extension().is_some_and(|extension| extension == "txt"),
            "{} is no visit",
            path.display()
        );
        (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
    });
    texts.map(|(name, text)| Visit::parse(&name, &text)).collect()
}

impl Visit {
    /// Reads a recording.
    ///
    /// # Panics
    /// When a line in brackets is none of the known ones.
    #[must_use]
    pub fn parse(name: &str, text: &str) -> Self {
        let (mut steps, mut words) = (Vec::new(), Vec::new());
        for line in text.lines() {
            if line.starts_with("# ") || (line.is_empty() && steps.is_empty()) {
                words.push(line.to_owned());
            } else if let Some(step) = step(name, line) {
                steps.push((std::mem::take(&mut words), step));
            }
        }
        Self { name: name.to_owned(), text: text.to_owned(), steps }
    }

    /// Whether something that is typed, or the words for the reader, holds `text`.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        self.steps.iter().any(|(words, step)| {
            let typed = match step {
                Step::Command(line) | Step::Inner(line) => line,
                Step::Press { line, .. } => line,
            };
            typed.contains(text) || words.iter().any(|word| word.contains(text))
        })
    }
}

fn step(name: &str, line: &str) -> Option<Step> {
    if let Some(command) = line.strip_prefix(PROMPT) {
        return Some(Step::Command(command.to_owned()));
    }
    if let Some(command) = line.strip_prefix(INNER_PROMPT).filter(|rest| !rest.is_empty()) {
        return Some(Step::Inner(command.to_owned()));
    }
    let press = line.strip_prefix("[press ").and_then(|rest| rest.strip_suffix("\"]"))?;
    let Some((keys, after)) = press.split_once(" after \"") else {
        panic!("{name}: {line} is not of the form [press KEY... after \"TEXT\"]");
    };
    let keys = keys.split(' ').map(|key| key_byte(name, key)).collect();
    Some(Step::Press { line: line.to_owned(), keys, after: after.to_owned() })
}

fn key_byte(name: &str, key: &str) -> u8 {
    match (key, key.strip_prefix("ctrl-").map(str::as_bytes)) {
        (_, Some([letter @ b'a'..=b'z'])) => letter - b'a' + 1,
        ("enter", _) => b'\n',
        _ => panic!("{name}: no key is called {key:?}; use ctrl-LETTER or enter"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_told_from_what_is_shown() {
        let text = "# One.\n$ sampan run -it x\n/ # echo a\na\n/ # \n[press ctrl-p ctrl-q after \"/ # \"]\n\n# Two.\n$ sampan ps\nNAMES\n[exit code 1]\n";
        let visit = Visit::parse("x", text);
        let steps: Vec<&Step> = visit.steps.iter().map(|(_, step)| step).collect();
        assert_eq!(steps.len(), 4);
        assert_eq!(*steps[1], Step::Inner("echo a".into()));
        assert!(matches!(steps[2], Step::Press { keys, after, .. } if *keys == [16, 17] && after == "/ # "));
        assert_eq!(visit.steps[3].0, ["# Two."]);
        assert!(visit.mentions("sampan ps") && !visit.mentions("NAMES"));
    }

    #[test]
    #[should_panic(expected = "no key is called")]
    fn unknown_keys_are_named() {
        let _ = Visit::parse("x", "[press any after \"y\"]\n");
    }
}
