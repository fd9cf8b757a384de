//! How a help looks: its width, and colours where somebody sees them.

use crate::context::terminal_width;
use std::io::{self, IsTerminal};

/// Width and colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Columns.
    pub(crate) width: usize,
    colours: bool,
}

impl Look {
    /// As standard output wants it: colours on a terminal alone, and not with `NO_COLOR` (no-color.org).
    pub(crate) fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { width: terminal_width(), colours: io::stdout().is_terminal() && !refused && !dumb }
    }

    /// Without colours.
    #[cfg(test)]
    pub(crate) fn plain(width: usize) -> Self {
        Self { width, colours: false }
    }

    /// A title.
    pub(super) fn title(self, text: &str) -> String {
        self.coloured("1;32", text)
    }

    /// What is typed as it stands.
    pub(super) fn literal(self, text: &str) -> String {
        self.coloured("1;36", text)
    }

    fn coloured(self, code: &str, text: &str) -> String {
        if self.colours && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals() {
        assert_eq!(Look::plain(80).title("Options:"), "Options:");
        let coloured = Look { width: 80, colours: true };
        assert_eq!(coloured.title("Options:"), "\x1b[1;32mOptions:\x1b[0m");
        assert_eq!(coloured.literal(""), "");
    }
}
