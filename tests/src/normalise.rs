//! What two runs of the same command cannot have in common: ids, times, addresses and sizes become words. Nothing else
//! is touched but the width of columns, which follows from them.

/// A word that stands for what was there.
type Word = &'static str;

/// `text` with every id, time, address and size replaced, and runs of blanks shortened to two.
#[must_use]
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        // What is looked for begins where a word begins.
        let inside_word = out.chars().next_back().is_some_and(|before| before.is_ascii_alphanumeric());
        if !inside_word && let Some((length, word)) = recognise(rest) {
            out.push_str(word);
            rest = &rest[length..];
            continue;
        }
        if !(first == ' ' && out.ends_with("  ")) {
            out.push(first);
        }
        rest = &rest[first.len_utf8()..];
    }
    out
}

/// The length of what is recognised at the beginning, and its word.
fn recognise(text: &str) -> Option<(usize, Word)> {
    let found =
        [(moment as fn(&str) -> Option<usize>, "TIME"), (ago, "AGO"), (mac, "MAC"), (address, "ADDRESS")];
    let found = found.into_iter().chain([(size as fn(&str) -> Option<usize>, "SIZE"), (id, "ID")]);
    found.filter_map(|(length, word)| length(text).map(|length| (length, word))).next()
}

/// Whether a word ends after `length` bytes.
fn ends(text: &str, length: usize) -> bool {
    !text[length..].starts_with(|next: char| next.is_ascii_alphanumeric())
}

/// 64 hexadecimal digits, or the 12 that people are shown; a digit among them, so that no word of a language is one.
fn id(text: &str) -> Option<usize> {
    let is_hex = |letter: &char| matches!(letter, '0'..='9' | 'a'..='f');
    let length = text.chars().take_while(is_hex).count();
    let word = &text[..length];
    (matches!(length, 12 | 64) && ends(text, length) && word.contains(|one: char| one.is_ascii_digit()))
        .then_some(length)
}

/// RFC 3339, or Docker's `2026-01-02 03:04:05 +0000 UTC`.
fn moment(text: &str) -> Option<usize> {
    let pattern = "0000-00-00?00:00:00";
    let fits = |(wanted, seen): (char, char)| match wanted {
        '0' => seen.is_ascii_digit(),
        '?' => seen == 'T' || seen == ' ',
        other => seen == other,
    };
    let head = text.get(..pattern.len())?;
    if !pattern.chars().zip(head.chars()).all(fits) {
        return None;
    }
    let zone = |letter: &char| letter.is_ascii_digit() || matches!(letter, '.' | ':' | '+' | 'Z');
    let mut length = pattern.len() + text[pattern.len()..].chars().take_while(zone).count();
    if let Some(after) = text[length..].strip_prefix(" +0000") {
        length = text.len() - after.strip_prefix(" UTC").unwrap_or(after).len();
    }
    Some(length)
}

/// `5 seconds`, `About a minute`, `Less than a second`, with `ago` behind it or not.
fn ago(text: &str) -> Option<usize> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let count = ["About an ", "About a ", "Less than a "].into_iter().find(|start| text.starts_with(start));
    let start = count.map_or_else(
        || text.get(digits..)?.starts_with(' ').then_some(digits + 1),
        |start| Some(start.len()),
    )?;
    if count.is_none() && digits == 0 {
        return None;
    }
    let units = ["second", "minute", "hour", "day", "week", "month", "year"];
    let unit = units.into_iter().find(|unit| text[start..].starts_with(unit))?;
    let mut length = start + unit.len();
    length += usize::from(text[length..].starts_with('s'));
    Some(length + if text[length..].starts_with(" ago") { " ago".len() } else { 0 })
}

/// Six pairs of hexadecimal digits.
fn mac(text: &str) -> Option<usize> {
    let word = text.get(..17)?;
    let pairs =
        word.split(':').filter(|pair| pair.len() == 2 && pair.chars().all(|one| one.is_ascii_hexdigit()));
    (pairs.count() == 6 && ends(text, 17)).then_some(17)
}

/// An IPv4 address of a private network (RFC 1918), its prefix length too.
fn address(text: &str) -> Option<usize> {
    let length = text.chars().take_while(|one| one.is_ascii_digit() || *one == '.').count();
    let word = text[..length].trim_end_matches('.');
    let parsed: std::net::Ipv4Addr = word.parse().ok()?;
    parsed.is_private().then_some(word.len())
}

/// A number with a unit of bytes.
fn size(text: &str) -> Option<usize> {
    let digits = text.chars().take_while(|one| one.is_ascii_digit() || *one == '.').count();
    if digits == 0 {
        return None;
    }
    let units = ["kB", "MB", "GB", "KiB", "MiB", "GiB", "B"];
    let unit = units.into_iter().find(|unit| text[digits..].starts_with(unit))?;
    let length = digits + unit.len();
    ends(text, length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_by_nature_is_replaced() {
        let id = "0a".repeat(32);
        for (text, normal) in [
            (format!("sha256:{id}\n"), "sha256:ID\n"),
            ("container 0a1b2c3d4e5f is there".into(), "container ID is there"),
            ("deadbeef and accessible".into(), "deadbeef and accessible"),
            ("at 2026-11-28T10:32:14.5Z, 2026-11-28 10:32:14 +0000 UTC".into(), "at TIME, TIME"),
            (
                "Up About a minute (healthy)   Exited (0) 3 seconds ago".into(),
                "Up AGO (healthy)  Exited (0) AGO",
            ),
            ("172.17.0.2/16 127.0.0.1 8.8.8.8 02:42:ac:11:00:02".into(), "ADDRESS/16 127.0.0.1 8.8.8.8 MAC"),
            ("1.98MB 0B 12 Bytes 3 cats".into(), "SIZE SIZE 12 Bytes 3 cats"),
        ] {
            assert_eq!(normalise(&text), normal);
        }
    }
}
