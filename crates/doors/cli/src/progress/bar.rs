//! A bar and counts, as wide as there is room for.

use crate::render::units::human_size;

/// Docker's bar.
const WIDTH_MAX: usize = 50;
/// Narrower says nothing.
const WIDTH_MIN: usize = 5;
/// What stands on the line besides: a layer's id, the verb, the counts, blanks and brackets.
const BESIDES: usize = 14 + 14 + 4 + 20;

/// A verb, a bar as long as `columns` leave room for, and counts. Of what has no known end, the count alone.
pub(super) fn so_far(verb: &str, bytes: u64, total: u64, columns: usize) -> String {
    if total == 0 {
        return format!("{verb}  {}", human_size(bytes));
    }
    let counts = format!("{}/{}", human_size(bytes), human_size(total));
    let width = columns.saturating_sub(BESIDES).min(WIDTH_MAX);
    if width < WIDTH_MIN {
        return format!("{verb}  {counts}");
    }
    let filled = (bytes.min(total) as f64 / total as f64 * width as f64) as usize;
    let bar = format!("{}>{}", "=".repeat(filled.saturating_sub(1)), " ".repeat(width - filled.max(1)));
    format!("{verb:<11} [{bar}]  {counts}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_and_leaves_room() {
        assert!(so_far("Pushing", 0, 100, 200).starts_with("Pushing     [>   "));
        assert!(so_far("Pushing", 100, 100, 200).contains(&format!("[{}>]", "=".repeat(49))));
        assert!(so_far("Pushing", 500, 100, 200).contains(&format!("[{}>]", "=".repeat(49))));
        assert!(so_far("Loading layer", 999_900_000, 999_900_000, 80).len() + "0123456789ab: ".len() < 80);
        assert_eq!(so_far("Pushing", 1, 100, 40), "Pushing  1B/100B");
        assert_eq!(so_far("Saving", 1000, 0, 80), "Saving  1kB");
    }
}
