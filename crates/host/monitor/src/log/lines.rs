//! Splits a byte stream into lines of bounded length.

/// Bytes of one log entry at the most, as in Docker's copier; longer lines become several partial entries.
pub const LINE_MAX: usize = 16 * 1024;

/// The unfinished line of one stream.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes bytes and gives each entry that they complete to `emit`: its bytes, and whether it is partial.
    pub fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&[u8], bool)) {
        while !bytes.is_empty() {
            let room = LINE_MAX - self.pending.len();
            let window = &bytes[..room.min(bytes.len())];
            let newline = window.iter().position(|byte| *byte == b'\n');
            let (taken, complete) = newline.map_or((window.len(), false), |at| (at + 1, true));
            let (head, rest) = bytes.split_at(taken);
            bytes = rest;
            if complete && self.pending.is_empty() {
                emit(head, false);
                continue;
            }
            self.pending.extend_from_slice(head);
            if complete || self.pending.len() == LINE_MAX {
                emit(&self.pending, !complete);
                self.pending.clear();
            }
        }
    }

    /// Gives what is left at the end of the stream.
    pub fn finish(&mut self, mut emit: impl FnMut(&[u8], bool)) {
        if !self.pending.is_empty() {
            emit(&self.pending, true);
            self.pending.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(chunks: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk, |bytes, partial| seen.push((bytes.to_vec(), partial)));
        }
        lines.finish(|bytes, partial| seen.push((bytes.to_vec(), partial)));
        seen
    }

    #[test]
    fn joins_chunks_and_splits_lines() {
        assert_eq!(
            entries(&[b"a\nb", b"c\n\nd"]),
            [
                (b"a\n".to_vec(), false),
                (b"bc\n".to_vec(), false),
                (b"\n".to_vec(), false),
                (b"d".to_vec(), true)
            ]
        );
    }

    #[test]
    fn long_lines_are_partial_and_nothing_is_lost() {
        let mut text = vec![b'x'; 2 * LINE_MAX + 5];
        text.push(b'\n');
        for size in [1, 1000, LINE_MAX, LINE_MAX + 1, text.len()] {
            let chunks: Vec<&[u8]> = text.chunks(size).collect();
            let seen = entries(&chunks);
            assert_eq!(seen.iter().map(|(_, partial)| *partial).collect::<Vec<_>>(), [true, true, false]);
            assert_eq!(seen.into_iter().flat_map(|(bytes, _)| bytes).collect::<Vec<_>>(), text);
        }
    }
}
