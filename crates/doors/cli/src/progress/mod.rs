//! How far something is, told while it goes on: a line for each layer ([`Lines`]), or one line for one stream of bytes
//! ([`Passing`]). Bars and counts are for terminals alone, where they can be rewritten.

mod bar;
mod lines;
mod passing;

pub(crate) use lines::{Lines, Work};
pub(crate) use passing::{Passing, Told};
