//! Columns as Docker's command line aligns them: Go's text/tabwriter with a cell width of ten and a padding of three.

/// Narrowest column.
const WIDTH_MIN: usize = 10;
/// Blanks after the longest cell.
const PADDING: usize = 3;

/// Aligns lines whose cells end with tabs; what follows the last tab of a line is as wide as it is.
///
/// A column is a run of consecutive lines that have that cell, so a line with fewer cells ends the columns to its
/// right.
pub(super) fn align(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> =
        lines.iter().map(|cells| vec![0; cells.len().saturating_sub(1)]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut start = 0;
        while start < lines.len() {
            let run = widths[start..].iter().take_while(|line| line.len() > column).count();
            let longest = lines[start..start + run].iter().map(|cells| cells[column].chars().count()).max();
            let width = (longest.unwrap_or(0) + PADDING).max(WIDTH_MIN);
            widths[start..start + run].iter_mut().for_each(|line| line[column] = width);
            start += run.max(1);
        }
    }
    let mut out = String::with_capacity(text.len() * 2);
    for (cells, widths) in lines.iter().zip(&widths) {
        for (index, cell) in cells.iter().enumerate() {
            out.push_str(cell);
            if let Some(width) = widths.get(index) {
                let blanks = width.saturating_sub(cell.chars().count());
                out.extend(std::iter::repeat_n(' ', blanks));
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_a_least_width_and_a_padding() {
        assert_eq!(
            align("ID\tNAME\tX\nabcdefghijkl\tä\ty\n"),
            "ID             NAME      X\nabcdefghijkl   ä         y\n"
        );
    }

    #[test]
    fn a_short_line_ends_a_column() {
        assert_eq!(align("a\tb\nlong-long-long\nc\td\n"), "a         b\nlong-long-long\nc         d\n");
    }
}
