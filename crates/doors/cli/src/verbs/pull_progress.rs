//! Pulling with Docker's progress lines.

use crate::context::Context;
use crate::failure::Failure;
use engine::image::{Progress, PullStatus, Pulled, Silent, Step};
use ids::{Digest, Reference};
use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

/// Pulls an image; what goes on is told on standard error unless `quiet`.
pub(super) fn pull(
    context: &Context,
    image: &str,
    platform: Option<&str>,
    quiet: bool,
) -> Result<(), Failure> {
    let lifecycle = context.lifecycle()?;
    if quiet {
        return lifecycle.pull(image, platform, &Silent).map(drop);
    }
    let reference = Reference::parse(image).map_err(|error| Failure::of(&error))?;
    eprintln!("{}: Pulling from {}", reference.tag().unwrap_or("latest"), reference.repository());
    let progress = Lines::new(io::stderr().is_terminal(), io::stderr);
    let pulled = lifecycle.pull(image, platform, &progress);
    progress.end();
    let pulled = pulled?;
    eprint!("{}", outcome(&reference, &pulled));
    Ok(())
}

/// Docker's last lines of a pull: the digest, and whether anything was new.
pub(super) fn outcome(reference: &Reference, pulled: &Pulled) -> String {
    let digest = pulled.digest.as_ref().map(|digest| format!("Digest: {digest}\n")).unwrap_or_default();
    let status = match pulled.status {
        PullStatus::Downloaded => "Downloaded newer image for",
        PullStatus::UpToDate => "Image is up to date for",
    };
    format!("{digest}Status: {status} {}\n", reference.familiar())
}

/// The lines of a load, on standard error.
pub(super) fn of_load() -> impl Progress {
    Lines { load: true, ..Lines::new(io::stderr().is_terminal(), io::stderr) }
}

/// One line per layer: rewritten in place on a terminal, appended elsewhere when its step changes.
pub(super) struct Lines<W> {
    terminal: bool,
    load: bool,
    out: fn() -> W,
    layers: Mutex<Layers>,
}

#[derive(Debug, Default)]
struct Layers {
    order: Vec<String>,
    texts: HashMap<String, String>,
    ended: bool,
}

impl<W: Write> Lines<W> {
    /// Prints to `out`, which is a terminal or not.
    pub(super) fn new(terminal: bool, out: fn() -> W) -> Self {
        Self { terminal, load: false, out, layers: Mutex::default() }
    }

    /// Prints no more: after a failure other layers still end, and must not write over what is said of it.
    pub(super) fn end(&self) {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    }
}

impl<W: Write> Progress for Lines<W> {
    fn layer(&self, blob: &Digest, step: Step) {
        // What was there already is done without anything having been pulled.
        self.show(blob, words(&step, self.terminal, self.load), |before| {
            before == EXISTS && step == Step::Done
        });
    }
}

impl<W: Write> Lines<W> {
    /// Whether lines are rewritten.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Shows what a layer has come to, unless that is not worth telling after what was shown of it.
    pub(super) fn show(&self, layer: &Digest, words: String, needless: impl Fn(&str) -> bool) {
        let id: String = layer.as_str().rsplit(':').next().unwrap_or_default().chars().take(12).collect();
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
        // Nobody reads: the pull goes on all the same.
        let _ = (self.out)().write_all(text.as_bytes());
        layers.texts.insert(id, words);
    }
}

/// Docker's word for a layer that need not be fetched.
const EXISTS: &str = "Already exists";

/// A verb and, where they can be rewritten, a bar and byte counts.
pub(super) fn so_far(verb: &str, bytes: u64, total: u64, counts: bool) -> String {
    use crate::render::units::human_size;
    if !counts {
        return verb.to_owned();
    }
    let filled = (bytes * 50).checked_div(total).unwrap_or(0).min(50) as usize;
    let bar = format!("{}>{}", "=".repeat(filled.saturating_sub(1)), " ".repeat(50 - filled.max(1)));
    format!("{verb:<11} [{bar}]  {}/{}", human_size(bytes), human_size(total))
}

/// Docker's words for a step of a pull or a load; byte counts only where they can be rewritten.
fn words(step: &Step, counts: bool, load: bool) -> String {
    match step {
        Step::Waiting => "Pulling fs layer".to_owned(),
        Step::Exists => EXISTS.to_owned(),
        Step::Downloading { bytes, total } => so_far("Downloading", *bytes, *total, counts),
        Step::Retrying { after_seconds, reason } => format!("Retrying in {after_seconds} seconds: {reason}"),
        Step::Downloaded => "Download complete".to_owned(),
        Step::Extracting { bytes, total } if load => so_far("Loading layer", *bytes, *total, counts),
        Step::Extracting { bytes, total } => so_far("Extracting", *bytes, *total, counts),
        Step::Done if load => "Loaded".to_owned(),
        Step::Done => "Pull complete".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills() {
        let at = |bytes| words(&Step::Downloading { bytes, total: 100 }, true, false);
        assert!(at(0).starts_with("Downloading [>   "));
        assert!(at(100).contains(&format!("[{}>]", "=".repeat(49))));
        assert_eq!(words(&Step::Downloading { bytes: 1, total: 0 }, false, false), "Downloading");
        assert_eq!(words(&Step::Done, true, true), "Loaded");
    }
}
