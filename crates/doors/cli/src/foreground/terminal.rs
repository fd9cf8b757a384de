//! The terminal on standard input: its size and its mode.

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
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

/// Standard input by the key: nothing is shown of what is typed, and it comes without a line's end. Keys that are signals
/// stay signals. Dropped, it is as before.
#[derive(Debug)]
pub(crate) struct KeyMode {
    before: Termios,
}

impl KeyMode {
    /// Switches standard input; `None` when it is no terminal.
    pub(crate) fn enter() -> rustix::io::Result<Option<Self>> {
        if !input_is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(io::stdin())?;
        let mut keys = before.clone();
        keys.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        tcsetattr(io::stdin(), OptionalActions::Now, &keys)?;
        Ok(Some(Self { before }))
    }
}

impl Drop for KeyMode {
    fn drop(&mut self) {
        // The terminal is gone if this fails. What was typed and not read was for us.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}
