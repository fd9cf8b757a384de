//! Tables in the output of a command: found by their headings, changed cell by cell, aligned again.

/// Blanks between two columns, and the least width of one.
const PADDING: usize = 3;
const WIDTH_MIN: usize = 10;

/// The starts of the columns if the line is a heading: words in capitals with at least three blanks between columns.
fn columns(line: &str) -> Option<Vec<usize>> {
    let letters: Vec<char> = line.chars().collect();
    let plain = |letter: &char| letter.is_ascii_uppercase() || *letter == ' ';
    if letters.is_empty() || letters[0] == ' ' || !letters.iter().all(plain) {
        return None;
    }
    let mut starts = vec![0];
    for at in PADDING..letters.len() {
        if letters[at] != ' ' && letters[at - PADDING..at].iter().all(|letter| *letter == ' ') {
            starts.push(at);
        }
    }
    (starts.len() > 1).then_some(starts)
}

/// The lines changed by `change`: cell by cell in tables, where it is given the heading as well, else as they are.
pub(super) fn change(lines: &[String], mut change: impl FnMut(Option<&str>, &str) -> String) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(starts) = columns(&lines[at]) else {
            out.push(change(None, &lines[at]));
            at += 1;
            continue;
        };
        let rows = lines[at + 1..].iter().take_while(|line| !line.is_empty()).count();
        let mut table: Vec<Vec<String>> =
            lines[at..=at + rows].iter().map(|line| cells(line, &starts)).collect();
        let (head, body) = table.split_at_mut(1);
        for row in body {
            for (cell, heading) in row.iter_mut().zip(&head[0]) {
                *cell = change(Some(heading), cell);
            }
        }
        out.extend(aligned(&table));
        at += rows + 1;
    }
    out
}

fn cells(line: &str, starts: &[usize]) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    let cell = |(at, start): (usize, &usize)| {
        let end = starts.get(at + 1).map_or(letters.len(), |end| (*end).min(letters.len()));
        let text: String = letters.get(*start..end).unwrap_or_default().iter().collect();
        text.trim_end().to_owned()
    };
    starts.iter().enumerate().map(cell).collect()
}

fn aligned(table: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let longest = table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        (longest + PADDING).max(WIDTH_MIN)
    };
    let widths: Vec<usize> = (0..table[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let text: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.trim_end().to_owned()
    };
    table.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_change_and_columns_follow() {
        let lines = [
            "CONTAINER ID   STATUS          PORTS     NAMES",
            "abc            Up 12 seconds             web",
            "",
            "x",
        ];
        let lines: Vec<String> = lines.map(String::from).to_vec();
        let changed = change(&lines, |heading, cell| match heading {
            Some("STATUS") => "Up".to_owned(),
            _ => cell.to_owned(),
        });
        assert_eq!(changed[0], "CONTAINER ID   STATUS    PORTS     NAMES");
        assert_eq!(changed[1], "abc            Up                  web");
        assert_eq!(changed[2..], ["", "x"]);
    }
}
