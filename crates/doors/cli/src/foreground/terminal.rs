//! The terminal on standard input: its size and its mode.

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use std::io;

/// Whether standard input is a terminal.
pub(crate) fn input_is_terminal() -> bool {
    isatty(io::stdin())
}

/// Rows and columns of the terminal on standard output, else on standard input.
pub(crate) fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(io::stdout()).or_else(|_| tcgetwinsize(io::stdin())).ok()?;
    Some((size.ws_row, size.ws_col)).filter(|size| *size != (0, 0))
}

/// Standard input in raw mode: every byte goes to the container as it is typed. Dropped, it is as before.
#[derive(Debug)]
pub(super) struct RawMode {
    before: Termios,
}

impl RawMode {
    /// Switches standard input to raw mode; `None` when it is no terminal.
    pub(super) fn enter() -> rustix::io::Result<Option<Self>> {
        if !input_is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Some(Self { before }))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // The terminal is gone if this fails.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
