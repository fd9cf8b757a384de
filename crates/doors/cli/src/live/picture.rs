//! From a text to what is written for it.

use crate::render::width::clipped;

const HOME: &str = "\x1b[H";
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_SCREEN: &str = "\x1b[J";
/// Begins a line that is shown in reverse: a mark of ours, which no plain text has.
const HEADER: char = '\u{1}';
const REVERSE: &str = "\x1b[7m";
const PLAIN: &str = "\x1b[0m";

/// Marks a line as a heading.
pub(crate) fn header(line: &str) -> String {
    format!("{HEADER}{line}")
}

/// A text in which nothing moves the cursor or hides: control characters are dots.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '·' } else { letter }).collect()
}

/// The text from the upper left corner: cut at the window's edges, no line's end behind the last line.
pub(super) fn fitted(text: &str, rows: usize, columns: usize) -> String {
    // https://no-color.org: set and not empty.
    let coloured = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines: Vec<String> = text.lines().take(rows).map(|line| shown(line, columns, coloured)).collect();
    format!("{HOME}{}{REST_OF_SCREEN}", lines.join("\n"))
}

fn shown(line: &str, columns: usize, coloured: bool) -> String {
    let (is_header, line) = line.strip_prefix(HEADER).map_or((false, line), |line| (true, line));
    let line = plain(&line.replace('\t', "    "));
    let line = clipped(&line, columns);
    if is_header && coloured {
        format!("{REVERSE}{line}{PLAIN}{REST_OF_LINE}")
    } else {
        format!("{line}{REST_OF_LINE}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stays_in_the_window() {
        assert_eq!(fitted("abcdef\n容器容器\nx\ny\n", 3, 5), "\x1b[Habcde\x1b[K\n容器\x1b[K\nx\x1b[K\x1b[J");
        assert_eq!(plain("a\x1b[31mb\u{9b}"), "a·[31mb·");
        assert_eq!(shown(&header("NAME"), 3, true), "\x1b[7mNAM\x1b[0m\x1b[K");
        assert_eq!(shown(&header("NAME"), 3, false), "NAM\x1b[K");
    }
}
