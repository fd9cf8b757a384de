//! The script of the day: a command a line, as a person types it.
//!
//! `#` begins a comment; `@` a line that is run on both sides and not compared; `@until` one that is repeated until it
//! succeeds.

use std::fs;
use std::path::Path;

/// A line of the day.
pub(super) struct Line {
    /// For the shell.
    pub(super) command: String,
    /// Run, and not compared.
    pub(super) is_preparation: bool,
    /// Repeated until it succeeds.
    pub(super) is_awaited: bool,
}

pub(super) fn read(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (is_awaited, command) = match line.strip_prefix("@until ") {
                Some(command) => (true, command),
                None => (false, line),
            };
            let (is_preparation, command) = match command.strip_prefix("@ ") {
                Some(command) => (true, command),
                None => (is_awaited, command),
            };
            Line { command: command.to_owned(), is_preparation, is_awaited }
        })
        .collect()
}
