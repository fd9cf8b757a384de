//! A container, or an exec in it, in the foreground: its streams are ours until it ends or we detach.
//!
//! One thread and one poll(2): output is written as it comes, input goes out when the monitor takes it, signals are
//! forwarded, a resized window is told. The terminal's mode is put back however this ends, short of SIGKILL.

mod detach;
mod pump;
mod signals;
mod terminal;

pub(crate) use detach::DetachKeys;
pub(crate) use pump::{Ended, Foreground, Own, pump};
pub(crate) use signals::{Caught, WINDOW_CHANGED};
pub(crate) use terminal::{KeyMode, input_is_terminal, size};
