//! One line per layer: rewritten in place on a terminal, appended elsewhere when its step changes.

use super::bar::so_far;
use crate::context::terminal_width;
use engine::image::{Progress, PushProgress, PushStep, Step};
use ids::Digest;
use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

/// What is done with layers; the words are Docker's for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Pull,
    Push,
    Load,
    Import,
}

/// The lines of one command.
pub(crate) struct Lines<W> {
    terminal: bool,
    work: Work,
    out: fn() -> W,
    layers: Mutex<Layers>,
}

#[derive(Debug, Default)]
struct Layers {
    order: Vec<String>,
    texts: HashMap<String, String>,
    ended: bool,
}

impl Lines<io::Stdout> {
    /// On standard output.
    pub(crate) fn on_stdout(work: Work) -> Self {
        Self::new(work, io::stdout().is_terminal(), io::stdout)
    }
}

impl Lines<io::Stderr> {
    /// On standard error.
    pub(crate) fn on_stderr(work: Work) -> Self {
        Self::new(work, io::stderr().is_terminal(), io::stderr)
    }
}

impl<W: Write> Lines<W> {
    fn new(work: Work, terminal: bool, out: fn() -> W) -> Self {
        Self { terminal, work, out, layers: Mutex::default() }
    }

    /// Prints no more: after a failure other layers still end, and must not write over what is said of it.
    pub(crate) fn end(&self) {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    }

    /// Shows what a layer has come to, unless that is not worth telling after what was shown of it.
    fn show(&self, layer: &Digest, words: &str, needless: impl Fn(&str) -> bool) {
        let id: String = layer.as_str().rsplit(':').next().unwrap_or_default().chars().take(12).collect();
        // A line that runs over could not be rewritten.
        let words: String = match self.columns() {
            Some(columns) => words.chars().take(columns.saturating_sub(id.len() + 3)).collect(),
            None => words.to_owned(),
        };
        // A thread that panicked while it printed has spoiled a line, nothing more.
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = layers.texts.get(&id);
        if layers.ended || before.is_some_and(|before| *before == words || needless(before)) {
            return;
        }
        let mut text = String::new();
        if !layers.texts.contains_key(&id) {
            layers.order.push(id.clone());
            text.push_str(if self.terminal { "\n" } else { "" });
        }
        if self.terminal {
            let up = layers.order.len() - layers.order.iter().position(|known| *known == id).unwrap_or(0);
            text.push_str(&format!("\x1b[{up}A\r\x1b[2K{id}: {words}\x1b[{up}B\r"));
        } else {
            text.push_str(&format!("{id}: {words}\n"));
        }
        // Nobody reads: the work goes on all the same.
        let mut out = (self.out)();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        layers.texts.insert(id, words);
    }

    /// The room for counts, where they can be rewritten.
    fn columns(&self) -> Option<usize> {
        self.terminal.then(terminal_width)
    }
}

impl<W: Write> Progress for Lines<W> {
    fn layer(&self, blob: &Digest, step: Step) {
        // What was there already is done without anything having been pulled.
        self.show(blob, &words(&step, self.work, self.columns()), |before| {
            before == EXISTS && step == Step::Done
        });
    }
}

impl<W: Write> PushProgress for Lines<W> {
    fn layer(&self, diff_id: &Digest, step: PushStep) {
        self.show(diff_id, &push_words(&step, self.columns()), |_| false);
    }
}

/// Docker's word for a layer that need not be fetched.
const EXISTS: &str = "Already exists";

fn counted(verb: &str, bytes: u64, total: u64, columns: Option<usize>) -> String {
    columns.map_or_else(|| verb.to_owned(), |columns| so_far(verb, bytes, total, columns))
}

/// Docker's words for a step of a pull, a load or an import.
fn words(step: &Step, work: Work, columns: Option<usize>) -> String {
    match step {
        Step::Waiting => "Pulling fs layer".to_owned(),
        Step::Exists => EXISTS.to_owned(),
        Step::Downloading { bytes, total } => counted("Downloading", *bytes, *total, columns),
        Step::Retrying { after_seconds, reason } => format!("Retrying in {after_seconds} seconds: {reason}"),
        Step::Downloaded => "Download complete".to_owned(),
        Step::Extracting { bytes, total } => {
            let verb = match work {
                Work::Load => "Loading layer",
                Work::Import => "Importing",
                Work::Pull | Work::Push => "Extracting",
            };
            counted(verb, *bytes, *total, columns)
        }
        Step::Done => match work {
            Work::Load => "Loaded",
            Work::Import => "Imported",
            Work::Pull | Work::Push => "Pull complete",
        }
        .to_owned(),
    }
}

/// Docker's words for a step of a push.
fn push_words(step: &PushStep, columns: Option<usize>) -> String {
    match step {
        PushStep::Preparing => "Preparing".to_owned(),
        PushStep::Pushing { bytes, total } => counted("Pushing", *bytes, *total, columns),
        PushStep::Retrying { after_seconds, reason } => {
            format!("Retrying in {after_seconds} seconds: {reason}")
        }
        PushStep::Pushed => "Pushed".to_owned(),
        PushStep::Exists => "Layer already exists".to_owned(),
        PushStep::Mounted { from } => format!("Mounted from {from}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_for_terminals() {
        let step = Step::Downloading { bytes: 1, total: 100 };
        assert_eq!(words(&step, Work::Pull, None), "Downloading");
        assert!(words(&step, Work::Pull, Some(100)).ends_with("1B/100B"));
        assert_eq!(words(&Step::Done, Work::Load, None), "Loaded");
        assert_eq!(words(&Step::Done, Work::Pull, None), "Pull complete");
        assert_eq!(push_words(&PushStep::Pushing { bytes: 0, total: 0 }, None), "Pushing");
    }
}
