//! Which word was meant.

/// The candidate nearest to `typed`, if one is near: at most a third of its letters differ.
pub(crate) fn nearest<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody means a word by something this long; the table below stays small.
    if typed.len() > 40 {
        return None;
    }
    candidates
        .map(|candidate| (distance(typed, candidate), candidate))
        .filter(|(distance, candidate)| *distance * 3 <= candidate.len().max(3))
        .min_by_key(|(distance, candidate)| {
            (*distance, std::cmp::Reverse(ends_alike(typed, candidate)), *candidate)
        })
        .map(|(_, candidate)| candidate)
}

/// How many letters agree at both ends: of two equally near words, the middle was more likely mistyped.
fn ends_alike(a: &str, b: &str) -> usize {
    let front = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let back = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    front + back
}

/// Edit distance with transpositions (optimal string alignment), in bytes.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_only() {
        let verbs = ["run", "rm", "ps", "images", "inspect", "volume"];
        let near = |typed| nearest(typed, verbs.into_iter());
        assert_eq!(near("imags"), Some("images"));
        assert_eq!(near("rnu"), Some("run"));
        assert_eq!(near("rn"), Some("run"));
        assert_eq!(near("inspekt"), Some("inspect"));
        assert_eq!(near("volumes"), Some("volume"));
        assert_eq!(near("frobnicate"), None);
        assert_eq!(near(&"x".repeat(1000)), None);
    }
}
