//! The key sequence that leaves a container alone (`--detach-keys`, default ctrl-p,ctrl-q).

/// Not a key sequence. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid detach keys: unknown character: '{key}' (keys are letters or ctrl-a to ctrl-z, ctrl-@, ctrl-[, ctrl-], ctrl-^, ctrl-_, ctrl-\\, with commas between)"
)]
pub(crate) struct InvalidDetachKeys {
    /// The one that is not understood.
    pub(crate) key: String,
}

/// A sequence, and how much of it has been typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetachKeys {
    sequence: Vec<u8>,
    matched: usize,
}

impl DetachKeys {
    /// Parses the flag's text (`ctrl-p,ctrl-q`, `a`, `ctrl-[`); absent or empty means the default.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, InvalidDetachKeys> {
        let text = text.filter(|text| !text.is_empty()).unwrap_or("ctrl-p,ctrl-q");
        let sequence = text.split(',').map(key).collect::<Result<_, _>>()?;
        Ok(Self { sequence, matched: 0 })
    }

    /// Takes what was typed. Appends to `out` what goes on to the container (a beginning of the sequence is held
    /// back until it is clear that it is none); true when the sequence is complete.
    pub(crate) fn filter(&mut self, typed: &[u8], out: &mut Vec<u8>) -> bool {
        for &byte in typed {
            if byte == self.sequence[self.matched] {
                self.matched += 1;
                if self.matched == self.sequence.len() {
                    self.matched = 0;
                    return true;
                }
                continue;
            }
            out.extend_from_slice(&self.sequence[..self.matched]);
            self.matched = 0;
            if byte == self.sequence[0] {
                // With a sequence of one key this byte would have completed it above.
                self.matched = 1;
            } else {
                out.push(byte);
            }
        }
        false
    }

    /// What was held back, when nothing more will be typed.
    pub(crate) fn held(&mut self) -> Vec<u8> {
        let held = self.sequence[..self.matched].to_vec();
        self.matched = 0;
        held
    }
}

fn key(text: &str) -> Result<u8, InvalidDetachKeys> {
    let invalid = || InvalidDetachKeys { key: text.to_owned() };
    let control = text.strip_prefix("ctrl-");
    match (control.unwrap_or(text).as_bytes(), control.is_some()) {
        ([byte], false) => Ok(*byte),
        ([byte @ b'a'..=b'z'], true) => Ok(byte - b'a' + 1),
        ([b'@'], true) => Ok(0),
        ([b'['], true) => Ok(27),
        ([b'\\'], true) => Ok(28),
        ([b']'], true) => Ok(29),
        ([b'^'], true) => Ok(30),
        ([b'_'], true) => Ok(31),
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parses_what_docker_parses() {
        assert_eq!(DetachKeys::parse(None).unwrap().sequence, [16, 17]);
        assert_eq!(DetachKeys::parse(Some("a,ctrl-@,ctrl-_")).unwrap().sequence, [b'a', 0, 31]);
        for bad in ["ctrl-", "ctrl-1", "ab", "a,,b", "ctrl-A"] {
            assert!(DetachKeys::parse(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn holds_back_a_beginning() {
        let mut keys = DetachKeys::parse(None).unwrap();
        let mut out = Vec::new();
        assert!(!keys.filter(b"x\x10", &mut out));
        assert_eq!(out, b"x");
        assert!(!keys.filter(b"y\x10\x10", &mut out));
        assert_eq!(out, b"x\x10y\x10");
        assert!(keys.filter(b"\x11", &mut out));
        assert_eq!(keys.held(), b"");
    }

    proptest! {
        #[test]
        fn nothing_typed_is_lost(chunks in proptest::collection::vec(proptest::collection::vec(0u8..20, 0..8), 0..8)) {
            let mut keys = DetachKeys::parse(None).unwrap();
            let mut out = Vec::new();
            let typed: Vec<u8> = chunks.concat();
            let detached = chunks.iter().any(|chunk| keys.filter(chunk, &mut out));
            if !detached {
                out.extend(keys.held());
                prop_assert_eq!(out, typed);
            } else {
                prop_assert!(typed.windows(2).any(|pair| pair == [16, 17]));
            }
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = DetachKeys::parse(Some(&text));
        }
    }
}
