//! Output: units, tables and templates as Docker prints them.
//!
//! Commands hand over rows of named values; how they look is decided by `--format` (a Go template, with or without
//! `table`, or `json`) or by the list's default.

mod fields;
mod list;
mod order;
mod table;
mod template;
pub(crate) mod units;
pub(crate) mod width;

pub(crate) use list::{Column, List, Row};
pub(crate) use template::render_document;
