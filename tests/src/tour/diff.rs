//! Two texts, line by line.

/// The lines in which two texts differ, each with what stands around it; empty when they are the same.
#[must_use]
pub fn differences(recorded: &str, shown: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (recorded.lines().collect(), shown.lines().collect());
    let common = longest_common(&old, &new);
    let mut marked: Vec<(char, &str)> = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (in_old, in_new) in common.into_iter().chain([(old.len(), new.len())]) {
        marked.extend(old[i..in_old].iter().map(|line| ('-', *line)));
        marked.extend(new[j..in_new].iter().map(|line| ('+', *line)));
        if in_old < old.len() {
            marked.push((' ', old[in_old]));
        }
        (i, j) = (in_old + 1, in_new + 1);
    }
    let near = |at: usize| {
        let from = at.saturating_sub(2);
        marked[from..(at + 3).min(marked.len())].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut text = String::new();
    let mut gap = false;
    for (at, (mark, line)) in marked.iter().enumerate() {
        if near(at) {
            if gap && !text.is_empty() {
                text.push_str("   ...\n");
            }
            text.push_str(&format!(" {mark} {line}\n"));
        }
        gap = !near(at);
    }
    text
}

/// Pairs of places of lines that both have, in order.
fn longest_common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i][j] = if old[i] == new[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(differences("a\nb\n", "a\nb\n"), "");
        assert_eq!(differences("a\nb\nc\n", "a\nx\nc\n"), "   a\n - b\n + x\n   c\n");
        let far = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let changed = "0\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        assert_eq!(differences(far, changed), " - 1\n + 0\n   2\n   3\n   ...\n   8\n   9\n + 10\n");
    }
}
