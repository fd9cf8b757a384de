//! A view on the terminal that is drawn over itself until the person has seen enough: `stats`, and `top` of everything.
//!
//! One write a picture, from the upper left corner, each line cleared behind its end: nothing flickers. The cursor and
//! the terminal's mode are put back however this ends, short of SIGKILL.

mod picture;

pub(crate) use picture::{header, plain};

use crate::context::print;
use crate::failure::Failure;
use crate::foreground::{Caught, KeyMode, WINDOW_CHANGED, size};
use kernel::signal::Set;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// Hides and shows the cursor (DECTCEM); clears the screen (ECMA-48).
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h\n";
const CLEAR: &str = "\x1b[H\x1b[J";
/// A terminal that does not tell its size.
const USUAL: (u16, u16) = (24, 80);
const CTRL_D: u8 = 4;
/// HUP, INT and TERM end the view; the code is a shell's for them.
const ENDING: [i32; 3] = [1, 2, 15];

/// The view.
pub(crate) struct Live {
    signals: Caught,
    keys: Option<KeyMode>,
}

/// What ended a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The time is over.
    Count,
    /// A key.
    Key(u8),
    /// The person has seen enough; the exit code.
    End(u8),
}

impl Live {
    /// Whether there is a terminal to draw on.
    pub(crate) fn is_possible() -> bool {
        io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Takes the terminal.
    pub(crate) fn start() -> Result<Self, Failure> {
        let failed = |error: Errno| Failure::new(format!("cannot set up the terminal: {error}"));
        let set = ENDING.into_iter().fold(Set::NONE.with(WINDOW_CHANGED), Set::with);
        let live =
            Self { signals: Caught::these(set).map_err(failed)?, keys: KeyMode::enter().map_err(failed)? };
        print(&format!("{HIDE_CURSOR}{CLEAR}"))?;
        Ok(live)
    }

    /// Draws over what was drawn before, as much as there is room for.
    pub(crate) fn draw(&self, text: &str) -> Result<(), Failure> {
        let (rows, columns) = size().unwrap_or(USUAL);
        print(&picture::fitted(text, usize::from(rows), usize::from(columns)))
    }

    /// Waits until there is something to do; when the window gets another size, `text` is drawn anew.
    pub(crate) fn pause(&self, until: Instant, text: &str) -> Result<Next, Failure> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Next::Count);
            }
            match self.await_input(left)? {
                (true, _) => match self.signals.next().map_err(lost)? {
                    Some(WINDOW_CHANGED) => self.draw(text)?,
                    // At most 15.
                    Some(number) => return Ok(Next::End(128 + number as u8)),
                    None => {}
                },
                (_, true) => return Ok(key()),
                _ => {}
            }
        }
    }

    /// Whether signals and keys are waiting.
    fn await_input(&self, limit: Duration) -> Result<(bool, bool), Failure> {
        let stdin = io::stdin();
        let mut watched = vec![PollFd::new(&self.signals, PollFlags::IN)];
        if self.keys.is_some() {
            watched.push(PollFd::new(&stdin, PollFlags::IN));
        }
        let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(&mut watched, Some(&limit)) {
            Ok(0) | Err(Errno::INTR) => return Ok((false, false)),
            Ok(_) => {}
            Err(error) => return Err(lost(error)),
        }
        let waits = |at: usize| watched.get(at).is_some_and(|one| !one.revents().is_empty());
        Ok((waits(0), waits(1)))
    }
}

fn lost(error: Errno) -> Failure {
    Failure::new(format!("cannot read the terminal: {error}"))
}

/// The key that is waiting.
fn key() -> Next {
    let mut key = [0];
    match rustix::io::read(io::stdin(), &mut key) {
        // The terminal is gone.
        Ok(0) | Err(_) => Next::End(0),
        Ok(_) if matches!(key[0], b'q' | b'Q' | CTRL_D) => Next::End(0),
        Ok(_) => Next::Key(key[0]),
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Nobody is left to be shown it if this fails.
        let _ = print(SHOW_CURSOR);
    }
}
