//! What was typed: flags and arguments by Docker's grammar, still as text.
//!
//! The grammar is pflag's: options stop at the first argument where a verb says so, `--flag=false` switches off, short
//! switches combine (`-dit`), the last one of a single-valued flag wins. clap does the splitting; [`Typed`] gives the
//! values out, each with errors that name the flag.

mod examples;
mod flag;
mod help;
mod look;
mod parse;
mod sections;
mod suggest;
mod typed;
mod usage_error;
mod verb;

pub(crate) use examples::examples;
pub(crate) use flag::{list, switch, switch_on, text};
pub(crate) use help::{group_help, in_sections, kind, program_help, verb_help};
pub(crate) use look::Look;
pub(crate) use parse::{Globals, define_globals, is_switch, parse_globals, parse_verb, verb_command};
pub(crate) use suggest::nearest;
pub(crate) use typed::Typed;
pub(crate) use usage_error::UsageError;
pub(crate) use verb::{Arity, Entry, Group, GroupVerb, Refused, Verb};
