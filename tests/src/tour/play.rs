//! Typing a visit into a shell, and writing down what is shown.

use super::normalise::Normaliser;
use super::screen::{MARK, Screen};
use super::visit::{INNER_PROMPT, Step, Visit};
use crate::invocation::Invocation;
use crate::sampan::Sampan;
use crate::terminal::Terminal;
use std::path::Path;

const ROWS: u16 = 40;
const COLUMNS: u16 = 100;

/// Plays a visit in `directory` with an instance of its own; the recording that it makes, normalised.
///
/// # Panics
/// When what a step waits for is not shown within the terminal's time limit.
#[must_use]
pub fn play(visit: &Visit, sampan: &Sampan, directory: &Path, normaliser: &mut Normaliser) -> String {
    let terminal = Terminal::start(shell(sampan, directory), ROWS, COLUMNS);
    let mut starts = Vec::new();
    let mut prompts = 0;
    for (_, step) in &visit.steps {
        let screen = match step {
            Step::Command(_) => {
                prompts += 1;
                terminal.await_screen(&format!("prompt {prompts}"), |screen| screen.prompts.len() == prompts)
            }
            // A new one: that of the line before may still be there.
            Step::Inner(_) => terminal.await_screen(INNER_PROMPT, |screen| {
                let line = screen.cursor_line();
                starts.last().is_some_and(|last| line > *last) && screen.lines[line] == INNER_PROMPT
            }),
            Step::Press { after, .. } => {
                // Not in the line that was typed.
                let from = starts.last().map_or(0, |last| last + 1);
                terminal.await_screen(after, |screen| {
                    screen.lines.iter().skip(from).any(|line| line.contains(after.as_str()))
                })
            }
        };
        let line = screen.cursor_line();
        // What a key shows begins on this line if there is nothing yet.
        let below = matches!(step, Step::Press { .. }) && !screen.lines[line].is_empty();
        starts.push(line + usize::from(below));
        match step {
            Step::Command(line) | Step::Inner(line) => terminal.press(format!("{line}\n")),
            Step::Press { keys, .. } => terminal.press(keys),
        }
    }
    let screen = terminal.await_screen("the last prompt", |screen| screen.prompts.len() == prompts + 1);
    terminal.press("exit\n");
    let _ = terminal.wait();
    recording(visit, &screen, &starts, normaliser)
}

fn shell(sampan: &Sampan, directory: &Path) -> Invocation {
    let programs = sampan.program().parent().unwrap().display().to_string();
    sampan
        .settled(Invocation::new("sh", ["-i"]))
        .directory(directory)
        .env("PATH", format!("{programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"))
        .env("PS1", format!("{MARK}$?\x07$ "))
        .env("ENV", "")
        .env("HOME", directory)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
}

/// The lines of the screen, cut where something was typed, with the words for the reader between them.
fn recording(visit: &Visit, screen: &Screen, starts: &[usize], normaliser: &mut Normaliser) -> String {
    let last = screen.prompts.last().map_or(screen.lines.len(), |(line, _)| *line);
    let mut text = String::new();
    let mut commands = 0;
    for (at, (words, step)) in visit.steps.iter().enumerate() {
        if at > 0 && matches!(step, Step::Command(_)) && !words.is_empty() {
            text.push('\n');
        }
        for word in words {
            text.push_str(word);
            text.push('\n');
        }
        let (start, end) = (starts[at], starts.get(at + 1).copied().unwrap_or(last));
        let mut shown = screen.lines.get(start..end.max(start)).unwrap_or_default();
        match step {
            Step::Press { line, .. } => text.push_str(line),
            // Exactly what was typed, whatever the line editor made of it.
            Step::Command(_) | Step::Inner(_) => {
                text.push_str(shown.first().map_or("", String::as_str).trim_end());
                shown = shown.get(1..).unwrap_or_default();
            }
        }
        text.push('\n');
        text.push_str(&normaliser.normalise(shown));
        commands += usize::from(matches!(step, Step::Command(_)));
        let ends = visit.steps.get(at + 1).is_none_or(|(_, next)| matches!(next, Step::Command(_)));
        if let Some((_, code)) = screen.prompts.get(commands).filter(|(_, code)| ends && *code != 0) {
            text.push_str(&format!("[exit code {code}]\n"));
        }
    }
    text
}
