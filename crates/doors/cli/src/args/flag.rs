//! The kinds of flags that verbs are defined with.

use clap::{Arg, ArgAction};

/// A switch that is off unless typed: `--name`, `--name=false`. `short` is `'\0'` for none.
pub(crate) fn switch(name: &'static str, short: char, help: &'static str) -> Arg {
    with_short(Arg::new(name).long(name), short)
        .help(help)
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_name("")
}

/// A switch that is on unless switched off with `--name=false`.
pub(crate) fn switch_on(name: &'static str, short: char, help: &'static str) -> Arg {
    switch(name, short, help).default_value("true")
}

/// A flag with one value; the last one wins. `kind` is shown in the help (`string`, `bytes`).
pub(crate) fn text(name: &'static str, short: char, kind: &'static str, help: &'static str) -> Arg {
    with_short(Arg::new(name).long(name), short)
        .help(help)
        .action(ArgAction::Set)
        .value_name(kind)
        .allow_hyphen_values(true)
}

/// A flag that may be repeated.
pub(crate) fn list(name: &'static str, short: char, kind: &'static str, help: &'static str) -> Arg {
    text(name, short, kind, help).action(ArgAction::Append)
}

fn with_short(arg: Arg, short: char) -> Arg {
    if short == '\0' { arg } else { arg.short(short) }
}
