//! How many columns of a terminal a text takes.

/// Ranges that take two columns: wide and fullwidth letters of East Asia, and emoji (UAX #11).
const WIDE: [(u32, u32); 14] = [
    (0x1100, 0x115f),
    (0x231a, 0x231b),
    (0x2e80, 0x303e),
    (0x3041, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0x9fff),
    (0xa000, 0xa4cf),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff00, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1faff),
    (0x20000, 0x3fffd),
];
/// Ranges that take none: marks on the letter before.
const ZERO: [(u32, u32); 6] = [
    (0x0300, 0x036f),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200f),
    (0x20d0, 0x20ff),
    (0xfe00, 0xfe0f),
];

fn of_letter(letter: char) -> usize {
    let number = u32::from(letter);
    let within =
        |ranges: &[(u32, u32)]| ranges.iter().any(|(first, last)| (*first..=*last).contains(&number));
    match number {
        ..0x300 => 1,
        _ if within(&ZERO) => 0,
        _ if within(&WIDE) => 2,
        _ => 1,
    }
}

/// Columns of a text without control characters.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(of_letter).sum()
}

/// The beginning of a text that fits into so many columns.
pub(crate) fn clipped(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, letter)| {
        used += of_letter(*letter);
        used > columns
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// The text, or as much of it as fits with `…` behind it.
pub(crate) fn ellipsis(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    format!("{}…", clipped(text, columns.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(width("abcä"), 4);
        assert_eq!(width("容器"), 4);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(clipped("容器x", 3), "容");
        assert_eq!(ellipsis("容器容器", 5), "容器…");
        assert_eq!(ellipsis("容器容器", 8), "容器容器");
        assert_eq!(ellipsis("abcdef", 4), "abc…");
    }
}
