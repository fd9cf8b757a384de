//! The page: labels in one column, text in the other, wrapped to the terminal; colour only where one looks at it.

use rustix::fd::AsFd;
use rustix::termios;

/// Columns used when the output is no terminal.
const DEFAULT_COLUMNS: usize = 100;
const INDENT: &str = "  ";
const GAP: usize = 3;

/// One fact: a label and what was read. Long texts are wrapped at spaces.
pub(super) struct Row {
    pub(super) label: &'static str,
    pub(super) text: String,
}

impl Row {
    pub(super) fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, text: text.into() }
    }
}

/// How to print: the width of the page, and whether with colour.
#[derive(Clone, Copy)]
pub(super) struct Style {
    columns: usize,
    colour: bool,
}

impl Style {
    /// Colour on a terminal unless `NO_COLOR` is set or the terminal is `dumb`.
    pub(super) fn of_standard_output() -> Self {
        let out = std::io::stdout();
        let terminal = termios::isatty(out.as_fd());
        let columns = termios::tcgetwinsize(out.as_fd()).map_or(0, |size| usize::from(size.ws_col));
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            columns: if terminal && columns >= 40 { columns.min(120) } else { DEFAULT_COLUMNS },
            colour: terminal && !refused,
        }
    }

    fn paint(self, sgr: &str, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\x1b[{sgr}m{text}\x1b[0m") } else { String::from(text) }
    }
}

/// The first line of the page.
pub(super) fn title(text: &str, style: Style) -> String {
    format!("\n{INDENT}{}\n\n", style.paint("1", text))
}

/// The last line of the page.
pub(super) fn closing(text: &str, style: Style) -> String {
    format!("{INDENT}{}\n\n", style.paint("1;32", text))
}

/// All rows; a row with the label of the one before leaves its label blank.
pub(super) fn table(rows: &[Row], style: Style) -> String {
    let label_width = rows.iter().map(|row| row.label.len()).max().unwrap_or(0);
    let text_start = INDENT.len() + label_width + GAP;
    let text_width = style.columns.saturating_sub(text_start).max(20);
    let mut page = String::new();
    let mut previous = "";
    for row in rows {
        let mut label = if row.label == previous { "" } else { row.label };
        for line in wrap(&row.text, text_width) {
            let padding = " ".repeat(label_width - label.len() + GAP);
            page.push_str(INDENT);
            page.push_str(&style.paint("36", label));
            page.push_str(&padding);
            page.push_str(line);
            page.push('\n');
            label = "";
        }
        previous = row.label;
    }
    page
}

/// Cuts `text` at spaces into lines of at most `width` bytes; a longer word keeps a line of its own.
fn wrap(text: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while rest.len() > width {
        let mut spaces = rest.char_indices().filter(|(_, letter)| *letter == ' ').map(|(at, _)| at);
        let fitting = spaces.clone().take_while(|at| *at <= width).last();
        let Some(cut) = fitting.or_else(|| spaces.next()) else { break };
        lines.push(rest[..cut].trim_end());
        rest = rest[cut..].trim_start();
    }
    lines.push(rest);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { columns: 40, colour: false };

    #[test]
    fn labels_are_aligned_and_a_repeated_one_is_left_blank() {
        let rows = [Row::new("pid", "1"), Row::new("host name", "box"), Row::new("host name", "two")];
        assert_eq!(table(&rows, PLAIN), "  pid         1\n  host name   box\n              two\n");
    }

    #[test]
    fn long_text_is_wrapped_at_spaces() {
        assert_eq!(wrap("aa bb cc dd", 5), ["aa bb", "cc dd"]);
        assert_eq!(wrap("aaaaaaaa bb", 5), ["aaaaaaaa", "bb"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("aaaaaaaa", 5), ["aaaaaaaa"]);
        assert_eq!(wrap("äöü äöü", 6), ["äöü", "äöü"]);
    }

    #[test]
    fn colour_is_only_added_when_asked_for() {
        assert_eq!(PLAIN.paint("1", "text"), "text");
        assert_eq!(Style { colour: true, ..PLAIN }.paint("1", "text"), "\x1b[1mtext\x1b[0m");
    }
}
