//! `top`: the processes of a container, as Docker shows them; without a container those of all, by what they use.

use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;

/// The verb.
pub(crate) static TOP: Verb = Verb {
    name: "top",
    spellings: &["sampan container top", "sampan top"],
    usage: "[CONTAINER [ps OPTIONS]]",
    about: "Display the running processes of a container, or of all by what they use",
    define: |command| command,
    refused: &[],
    arity: Arity::Trailing(0),
    run,
};

/// Docker's least width of a column, and the blanks after the longest cell.
const WIDTH_MIN: usize = 20;
const PADDING: usize = 3;

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let words = typed.arguments();
    let Some((name, options)) = words.split_first() else { return super::top_all::run(context) };
    let top = context.client()?.top(name, options)?;
    let table: Vec<Vec<String>> = std::iter::once(top.titles).chain(top.processes).collect();
    context.print(&aligned(&table))?;
    Ok(0)
}

fn aligned(table: &[Vec<String>]) -> String {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let cell_width =
        |at: usize| table.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> =
        (0..columns).map(|at| (cell_width(at).unwrap_or(0) + PADDING).max(WIDTH_MIN)).collect();
    let mut text = String::new();
    for row in table {
        let (last, others) = row.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
        text.extend(others.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")));
        text.push_str(last);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_wide() {
        assert_eq!(aligned(&[vec!["PID".into(), "CMD".into()]]), format!("{:20}CMD\n", "PID"));
    }
}
