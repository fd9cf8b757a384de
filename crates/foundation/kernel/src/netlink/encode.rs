//! Building requests.

use super::{HEADER_LEN, NLA_F_NESTED, NLM_F_REQUEST};

/// Requests for one sendmsg(2).
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    count: usize,
    /// An attribute did not fit its 16-bit length: the batch must not be sent.
    overflow: bool,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: Vec::with_capacity(1024), count: 0, overflow: false }
    }

    /// Starts a message of type `kind` with the family's fixed `header` (`struct ifinfomsg`, `struct nfgenmsg`, ...).
    /// It ends when the returned value is dropped. `flags` go beside `NLM_F_REQUEST`.
    pub fn message(&mut self, kind: u16, flags: u16, header: &[u8]) -> Message<'_> {
        let start = self.bytes.len();
        self.count += 1;
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        // Sequence and port: the socket fills in the first, zero is right for the second.
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.extend_from_slice(header);
        pad(&mut self.bytes);
        Message { batch: self, start }
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Sets flags of the last message.
    pub(crate) fn ask_last(&mut self, flags: u16) {
        let mut at = 0;
        while at < self.bytes.len() && at + message_len(&self.bytes[at..]) < self.bytes.len() {
            at += message_len(&self.bytes[at..]);
        }
        if let Some(bytes) = self.bytes.get_mut(at + 6..at + 8) {
            let all = u16::from_ne_bytes([bytes[0], bytes[1]]) | flags;
            bytes.copy_from_slice(&all.to_ne_bytes());
        }
    }

    pub(super) fn overflowed(&self) -> bool {
        self.overflow
    }

    /// Numbers the messages from `first` on and returns their bytes.
    pub(super) fn numbered(&mut self, first: u32) -> &[u8] {
        let (mut at, mut sequence) = (0, first);
        while at + HEADER_LEN <= self.bytes.len() {
            self.bytes[at + 8..at + 12].copy_from_slice(&sequence.to_ne_bytes());
            sequence = sequence.wrapping_add(1);
            at += message_len(&self.bytes[at..]);
        }
        &self.bytes
    }

    /// The flags of each message, in order.
    pub(super) fn flags(&self) -> impl Iterator<Item = u16> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let flags = rest.get(6..8)?;
            let flags = u16::from_ne_bytes([flags[0], flags[1]]);
            rest = rest.get(message_len(rest)..)?;
            Some(flags)
        })
    }
}

/// The length that a finished message's header states. Never zero: a header counts itself.
fn message_len(bytes: &[u8]) -> usize {
    u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// One request being built.
#[derive(Debug)]
pub struct Message<'a> {
    batch: &'a mut Batch,
    start: usize,
}

impl Message<'_> {
    /// An attribute with `value` as it is.
    pub fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let start = self.open(kind);
        self.batch.bytes.extend_from_slice(value);
        self.close(start);
        self
    }

    /// An attribute without a value (a flag).
    pub fn flag(&mut self, kind: u16) -> &mut Self {
        self.bytes(kind, &[])
    }

    /// A number in the machine's byte order (rtnetlink).
    pub fn u32_ne(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// A number in network byte order (nfnetlink).
    pub fn u32_be(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A number in network byte order (nfnetlink).
    pub fn u64_be(&mut self, kind: u16, value: u64) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A text with its terminating zero.
    pub fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        let start = self.open(kind);
        self.batch.bytes.extend_from_slice(value.as_bytes());
        self.batch.bytes.push(0);
        self.close(start);
        self
    }

    /// An attribute that holds what `fill` adds.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.nest_behind(kind, &[], fill)
    }

    /// As [`Self::nest`], with a fixed structure before the attributes (`VETH_INFO_PEER`).
    pub fn nest_behind(&mut self, kind: u16, header: &[u8], fill: impl FnOnce(&mut Self)) -> &mut Self {
        let start = self.open(kind | NLA_F_NESTED);
        self.batch.bytes.extend_from_slice(header);
        pad(&mut self.batch.bytes);
        fill(self);
        self.close(start);
        self
    }

    fn open(&mut self, kind: u16) -> usize {
        let start = self.batch.bytes.len();
        self.batch.bytes.extend_from_slice(&[0; 2]);
        self.batch.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn close(&mut self, start: usize) {
        let length = u16::try_from(self.batch.bytes.len() - start).unwrap_or_else(|_| {
            self.batch.overflow = true;
            0
        });
        self.batch.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        pad(&mut self.batch.bytes);
    }
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        let length = u32::try_from(self.batch.bytes.len() - self.start).unwrap_or_else(|_| {
            self.batch.overflow = true;
            HEADER_LEN as u32
        });
        self.batch.bytes[self.start..self.start + 4].copy_from_slice(&length.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NLM_F_ACK, NLM_F_DUMP, attributes};
    use super::*;

    #[test]
    fn messages_follow_one_another_with_their_numbers() {
        let mut batch = Batch::new();
        batch.message(16, NLM_F_ACK, &[1, 2]).text(3, "lo").u32_ne(4, 7);
        batch.message(17, NLM_F_DUMP, &[]).nest(5, |inside| {
            inside.u32_be(1, 0x0102_0304);
        });
        assert_eq!(batch.len(), 2);
        assert_eq!(batch.flags().collect::<Vec<_>>(), [NLM_F_ACK | 1, NLM_F_DUMP | 1]);
        let bytes = batch.numbered(u32::MAX).to_vec();
        let first = 16 + 4 + 8 + 8;
        assert_eq!(message_len(&bytes), first);
        assert_eq!(bytes[8..12], u32::MAX.to_ne_bytes());
        assert_eq!(bytes[first + 8..first + 12], 0u32.to_ne_bytes());
        let inside: Vec<_> = attributes(&bytes[20..first]).collect();
        assert_eq!(inside, [(3, &b"lo\0"[..]), (4, &7u32.to_ne_bytes()[..])]);
        let (kind, nest) = attributes(&bytes[first + 16..]).next().unwrap();
        assert_eq!((kind, attributes(nest).next().unwrap()), (5, (1, &[1u8, 2, 3, 4][..])));
    }

    #[test]
    fn an_attribute_too_long_for_its_length_is_noticed() {
        let mut batch = Batch::new();
        batch.message(16, 0, &[]).bytes(1, &vec![0; 65_531]);
        assert!(!batch.overflowed());
        batch.message(16, 0, &[]).bytes(1, &vec![0; 65_532]);
        assert!(batch.overflowed());
    }
}
