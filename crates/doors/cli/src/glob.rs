//! Shell patterns as Go's path.Match has them: `*` and `?` stop at `/`, `[a-z]`, `[^a]`, `\` escapes.

/// Whether the whole text matches the pattern; a malformed pattern matches nothing.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // Where to go on when a `*` must take one letter more: positions in pattern and text.
    let (mut star, mut at, mut seen) = (None, 0, 0);
    while seen < text.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at + 1, seen));
            at += 1;
            continue;
        }
        if let Some(next) = one(&pattern, at, text[seen]) {
            at = next;
            seen += 1;
            continue;
        }
        match star {
            Some((after, from)) if text[from] != '/' => {
                star = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
            _ => return false,
        }
    }
    pattern[at.min(pattern.len())..].iter().all(|letter| *letter == '*')
}

/// Matches one letter at `at`; the position after what matched it.
fn one(pattern: &[char], at: usize, letter: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => (letter != '/').then_some(at + 1),
        '[' => class(pattern, at + 1, letter),
        '\\' => (pattern.get(at + 1) == Some(&letter)).then_some(at + 2),
        plain => (*plain == letter).then_some(at + 1),
    }
}

fn class(pattern: &[char], mut at: usize, letter: char) -> Option<usize> {
    let negated = pattern.get(at) == Some(&'^');
    at += usize::from(negated);
    let (mut found, first) = (false, at);
    loop {
        match pattern.get(at)? {
            ']' if at > first => return (found != negated && letter != '/').then_some(at + 1),
            low => {
                let high = match (pattern.get(at + 1), pattern.get(at + 2)) {
                    (Some('-'), Some(high)) if *high != ']' => {
                        at += 2;
                        high
                    }
                    _ => low,
                };
                found |= (*low..=*high).contains(&letter);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn go_matches_so() {
        for (pattern, text, expected) in [
            ("nginx", "nginx", true),
            ("ngi*", "nginx", true),
            ("*", "a/b", false),
            ("*/*", "a/b", true),
            ("*:1.*", "nginx:1.25", true),
            ("n?inx", "nginx", true),
            ("[a-n]ginx", "nginx", true),
            ("[^a-n]ginx", "nginx", false),
            ("a*b*c", "axxbyybzzc", true),
            ("a*b*c", "axxbyyd", false),
            ("\\*", "*", true),
            ("[", "[", false),
            ("", "", true),
            ("**", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_plain_text_matches_itself(pattern in "[a-c*?\\[\\]^/\\\\-]{0,12}", text in "[a-c/]{0,12}") {
            matches(&pattern, &text);
            prop_assert!(matches(&text, &text));
        }
    }
}
