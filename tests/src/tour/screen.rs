//! What a terminal shows, of what was written to it: a window without edges.
//!
//! It knows what shells and this program write: carriage return, backspace, tab, moves of the cursor, clearing of
//! lines, colours (which are left out), and the marks of the tour's own prompt.

/// The sequence before each prompt of the tour's shell, with the exit code of the command before: an operating system
/// command that terminals ignore.
pub(super) const MARK: &str = "\x1b]tour;";
const TAB: usize = 8;

/// The lines of a terminal.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Screen {
    /// Without their ends.
    pub lines: Vec<String>,
    /// The prompts: line, and exit code of the command before.
    pub prompts: Vec<(usize, i32)>,
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    /// What is shown after all these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut screen = Self { rows: vec![Vec::new()], ..Self::default() };
        let text = String::from_utf8_lossy(bytes);
        let mut rest = text.chars();
        while let Some(letter) = rest.next() {
            match letter {
                '\r' => screen.column = 0,
                '\n' => screen.down(1),
                '\x08' => screen.column = screen.column.saturating_sub(1),
                '\t' => screen.column = (screen.column / TAB + 1) * TAB,
                '\x1b' => rest = screen.escape(rest.as_str()).chars(),
                letter if letter.is_control() => {}
                letter => screen.put(letter),
            }
        }
        screen.lines = screen.rows.iter().map(|row| row.iter().collect()).collect();
        screen
    }

    /// The line that the cursor is on.
    #[must_use]
    pub fn cursor_line(&self) -> usize {
        self.row
    }

    fn put(&mut self, letter: char) {
        let row = &mut self.rows[self.row];
        if row.len() <= self.column {
            row.resize(self.column + 1, ' ');
        }
        row[self.column] = letter;
        self.column += 1;
    }

    fn down(&mut self, count: usize) {
        self.row += count;
        if self.rows.len() <= self.row {
            self.rows.resize(self.row + 1, Vec::new());
        }
    }

    /// Takes what follows an escape character, and returns what follows that.
    fn escape<'a>(&mut self, rest: &'a str) -> &'a str {
        if let Some(inner) = rest.strip_prefix(']') {
            let Some((command, after)) = inner.split_once('\x07') else { return "" };
            if let Some(code) = command.strip_prefix("tour;") {
                self.prompts.push((self.row, code.parse().unwrap_or(-1)));
            }
            return after;
        }
        let Some(inner) = rest.strip_prefix('[') else {
            let mut letters = rest.chars();
            letters.next();
            return letters.as_str();
        };
        let Some(end) = inner.find(|letter: char| ('@'..='~').contains(&letter)) else { return "" };
        let (parameters, after) = inner.split_at(end);
        let count: usize = parameters.split(';').next().and_then(|first| first.parse().ok()).unwrap_or(0);
        match after.as_bytes()[0] {
            b'A' => self.row = self.row.saturating_sub(count.max(1)),
            b'B' => self.down(count.max(1)),
            b'C' => self.column += count.max(1),
            b'D' => self.column = self.column.saturating_sub(count.max(1)),
            b'G' => self.column = count.saturating_sub(1),
            b'K' => self.clear_line(count),
            b'J' => self.clear_below(count),
            // Colours, modes and questions change nothing that is shown.
            _ => {}
        }
        &after[1..]
    }

    fn clear_line(&mut self, how: usize) {
        let column = self.column;
        let row = &mut self.rows[self.row];
        match how {
            0 => row.truncate(column),
            1 => row.iter_mut().take(column).for_each(|letter| *letter = ' '),
            _ => row.clear(),
        }
    }

    fn clear_below(&mut self, how: usize) {
        if how == 0 {
            self.clear_line(0);
            self.rows.truncate(self.row + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_shows() {
        for (written, shown) in [
            ("one\r\ntwo", "one\ntwo"),
            ("12345\rab", "ab345"),
            ("ab\x08c", "ac"),
            ("a\tb", "a       b"),
            ("\x1b[1;32mgreen\x1b[0m", "green"),
            ("top\r\nlow\x1b[1A\r\x1b[2Knew\x1b[1B\r", "new\nlow"),
            ("abc\x1b[2D\x1b[K", "a"),
            ("\x1b]0;title\x07x\x1b[6n", "x"),
        ] {
            assert_eq!(Screen::of(written.as_bytes()).lines.join("\n"), shown, "{written:?}");
        }
    }

    #[test]
    fn prompts_are_marked() {
        let screen = Screen::of(b"\x1b]tour;0\x07$ false\r\n\x1b]tour;1\x07$ ");
        assert_eq!(screen.prompts, [(0, 0), (1, 1)]);
        assert_eq!((screen.lines, screen.row), (vec!["$ false".to_owned(), "$ ".to_owned()], 1));
    }
}
