//! What is known to differ, and why.
//!
//! `tests/differential/differences.txt`: paragraphs. The first line, after `why:`, is the reason; each further line is
//! `PART | COMMAND`, the part being `stdout`, `stderr` or `code`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// By part and command: whether it was seen to differ.
pub(super) struct Known(BTreeMap<(String, String), bool>);

pub(super) fn read(path: &Path) -> Known {
    let text = fs::read_to_string(path).unwrap();
    let mut known = BTreeMap::new();
    for paragraph in
        text.split("\n\n").map(str::trim).filter(|text| !text.is_empty() && !text.starts_with('#'))
    {
        let (reason, lines) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        assert!(reason.starts_with("why: "), "{}: no reason before {reason:?}", path.display());
        for line in lines.lines() {
            let (part, command) = line.split_once(" | ").unwrap_or_else(|| panic!("no part in {line:?}"));
            assert!(["stdout", "stderr", "code"].contains(&part), "{part:?} is no part in {line:?}");
            known.insert((part.to_owned(), command.to_owned()), false);
        }
    }
    Known(known)
}

impl Known {
    /// Whether it is listed; then it is marked as seen.
    pub(super) fn explains(&mut self, command: &str, part: &str) -> bool {
        match self.0.get_mut(&(part.to_owned(), command.to_owned())) {
            Some(seen) => {
                *seen = true;
                true
            }
            None => false,
        }
    }

    /// How many were seen.
    pub(super) fn used(&self) -> usize {
        self.0.values().filter(|seen| **seen).count()
    }

    /// Listed and not seen.
    pub(super) fn unused(&self) -> Vec<String> {
        let unseen = self.0.iter().filter(|(_, seen)| !**seen);
        unseen.map(|((part, command), _)| format!("{part} | {command}")).collect()
    }
}
