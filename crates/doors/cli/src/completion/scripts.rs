//! The scripts that teach shells to ask. Each is whole: no package of completions is needed besides.

use crate::program;

/// For bash 4.4 and later.
pub(crate) const BASH: &str = include_str!("completion.bash");
/// For zsh.
pub(crate) const ZSH: &str = include_str!("completion.zsh");
/// For fish.
pub(crate) const FISH: &str = include_str!("completion.fish");

/// A script for the name that the program was called by.
pub(crate) fn script(text: &str) -> String {
    text.replace("sampan", program::name())
}
