//! The recorded tour: a terminal session for every command, replayed and compared.
//!
//! A *visit* is a text file below `tests/tour/visits`: what is typed, and what the terminal then shows ([`Visit`]).
//! [`play`] types it into a shell on a real pseudo-terminal, [`Screen`] is what the terminal shows, and [`Normaliser`]
//! replaces what differs from run to run. Used by `tests/suite/tour.rs` alone.

mod diff;
mod normalise;
mod play;
mod screen;
mod table;
mod verbs;
mod visit;

pub use diff::differences;
pub use normalise::{Facts, Normaliser};
pub use play::play;
pub use screen::Screen;
pub use verbs::unvisited;
pub use visit::{Step, Visit, all_visits};
