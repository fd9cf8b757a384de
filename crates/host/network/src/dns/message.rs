//! The wire format of DNS (RFC 1035, RFC 6891), as much of it as a resolver of local names needs.
//!
//! What comes in is hostile: nothing is followed (a question has no compression pointers), nothing is trusted about
//! its counts, every length is checked. A small parser of our own and not hickory-proto: the runtime program carries
//! it in every monitor, and of a query only the header, one question and the size that the client can take matter.

use std::net::Ipv4Addr;

/// Bytes of a message without EDNS at the most (RFC 1035, section 2.3.4).
const PLAIN_MAX: usize = 512;
/// Bytes of a datagram that we send at the most, whatever a client says it can take (DNS flag day 2020).
const DATAGRAM_MAX: usize = 1232;
/// Bytes of a message over TCP at the most: its length has 16 bits.
pub const STREAM_MAX: usize = u16::MAX as usize;
/// Bytes of the header.
pub const HEADER_LEN: usize = 12;
/// Bytes of a name on the wire, at the most.
const NAME_MAX: usize = 255;
/// Bytes of one label.
const LABEL_MAX: usize = 63;
/// Records behind the question that are looked at, to find the EDNS one.
const RECORDS_MAX: u32 = 16;
/// Seconds that an answer may be kept: containers come and go.
const TTL_SECONDS: u32 = 10;

const TYPE_OPT: u16 = 41;
/// Class `IN`.
const CLASS_IN: u16 = 1;
/// Class `ANY` of questions.
const CLASS_ANY: u16 = 255;
/// A pointer to the name of the question, at [`HEADER_LEN`].
const QUESTION_NAME: [u8; 2] = [0xc0, HEADER_LEN as u8];

/// Type of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `A`
    Address,
    /// `PTR`
    Pointer,
    /// `ANY`
    Any,
    /// Another one, by number.
    Other(u16),
}

impl Kind {
    fn from_number(number: u16) -> Self {
        match number {
            1 => Self::Address,
            12 => Self::Pointer,
            255 => Self::Any,
            other => Self::Other(other),
        }
    }
}

/// How a query ended (RFC 1035, section 4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// As asked.
    NoError = 0,
    /// The query makes no sense.
    FormatError = 1,
    /// Nobody who was asked answered.
    ServerFailure = 2,
    /// A kind of query that is not for us.
    NotImplemented = 4,
}

/// A query that was understood. It borrows the bytes that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<'a> {
    id: u16,
    /// Recursion desired, to be repeated in the answer.
    recursion: bool,
    /// Name, type and class as they came, case included (clients check it).
    question: &'a [u8],
    /// Lower case with dots, without the last one; `None` for a name with bytes that no host name has.
    pub name: Option<String>,
    /// What is asked.
    pub kind: Kind,
    /// Class `IN`, or any.
    pub is_internet: bool,
    /// Bytes of a datagram that the client takes, when it said so.
    edns_size: Option<u16>,
}

/// Why a message is not answered as a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Not to be answered at all: too short, or itself an answer.
    Silence,
    /// To be answered with [`refusal`].
    Refuse(Code),
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// `A`
    Address(Ipv4Addr),
    /// `PTR`: a name with dots.
    Pointer(String),
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// Reads a query.
///
/// # Errors
/// [`Unusable`] says whether and how to answer what is none.
pub fn parse(bytes: &[u8]) -> Result<Query<'_>, Unusable> {
    let (Some(id), Some(flags)) = (u16_at(bytes, 0), u16_at(bytes, 2)) else { return Err(Unusable::Silence) };
    if bytes.len() < HEADER_LEN || flags & 0x8000 != 0 {
        return Err(Unusable::Silence);
    }
    if flags & 0x7800 != 0 {
        return Err(Unusable::Refuse(Code::NotImplemented));
    }
    let bad = Unusable::Refuse(Code::FormatError);
    if u16_at(bytes, 4) != Some(1) {
        return Err(bad);
    }
    let (name, end) = question_name(bytes).ok_or(bad)?;
    let kind = u16_at(bytes, end).ok_or(bad)?;
    let class = u16_at(bytes, end + 2).ok_or(bad)?;
    Ok(Query {
        id,
        recursion: flags & 0x0100 != 0,
        question: &bytes[HEADER_LEN..end + 4],
        name,
        kind: Kind::from_number(kind),
        is_internet: matches!(class, CLASS_IN | CLASS_ANY),
        edns_size: edns_size(bytes, end + 4),
    })
}

/// The name of the question, and where it ends. A pointer has nowhere to point to and is refused.
fn question_name(bytes: &[u8]) -> Option<(Option<String>, usize)> {
    let (mut at, mut text, mut readable) = (HEADER_LEN, String::new(), true);
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        if length > LABEL_MAX || at + length - HEADER_LEN >= NAME_MAX {
            return None;
        }
        let label = bytes.get(at..at + length)?;
        readable &= label.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'.');
        if !text.is_empty() {
            text.push('.');
        }
        text.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
        at += length;
    }
    Some((readable.then_some(text), at))
}

/// The size in the EDNS record, if there is one. What cannot be read is as good as absent.
fn edns_size(bytes: &[u8], mut at: usize) -> Option<u16> {
    let count = [6, 8, 10].into_iter().map(|place| u16_at(bytes, place).map_or(0, u32::from)).sum::<u32>();
    for _ in 0..count.min(RECORDS_MAX) {
        at = skip_name(bytes, at)?;
        if u16_at(bytes, at)? == TYPE_OPT {
            return u16_at(bytes, at + 2);
        }
        at = at + 10 + usize::from(u16_at(bytes, at + 8)?);
    }
    None
}

/// Where a record's name ends: at a zero or behind a pointer, which is not followed.
fn skip_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match usize::from(*bytes.get(at)?) {
            0 => return Some(at + 1),
            length @ 1..=LABEL_MAX => at += 1 + length,
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            _ => return None,
        }
    }
}

impl Query<'_> {
    /// Bytes of a datagram that the client takes.
    #[must_use]
    pub fn datagram_max(&self) -> usize {
        usize::from(self.edns_size.unwrap_or(0)).clamp(PLAIN_MAX, DATAGRAM_MAX)
    }

    /// The answer of these records; what does not fit into `max` bytes is left out and said to be.
    #[must_use]
    pub fn answer(&self, code: Code, records: &[Record], max: usize) -> Vec<u8> {
        let room = max.saturating_sub(if self.edns_size.is_some() { OPT_RECORD.len() } else { 0 });
        let mut bytes = Vec::with_capacity(PLAIN_MAX);
        bytes.extend(header(self.id, self.recursion, code));
        bytes.extend(self.question);
        bytes[5] = 1;
        let mut count: u16 = 0;
        for record in records {
            let encoded = encode(record);
            if bytes.len() + encoded.len() > room {
                // The truncation bit: ask again over TCP.
                bytes[2] |= 0x02;
                break;
            }
            bytes.extend(encoded);
            count += 1;
        }
        bytes[6..8].copy_from_slice(&count.to_be_bytes());
        if self.edns_size.is_some() {
            bytes.extend(OPT_RECORD);
            bytes[11] = 1;
        }
        bytes
    }
}

/// What answers a message that is no query; the question is not repeated, since it was not understood.
#[must_use]
pub fn refusal(bytes: &[u8], code: Code) -> Vec<u8> {
    let recursion = bytes.get(2).is_some_and(|flags| flags & 1 == 1);
    header(u16_at(bytes, 0).unwrap_or(0), recursion, code).to_vec()
}

/// An answer without counts: QR, RA, and RD as it came.
fn header(id: u16, recursion: bool, code: Code) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..2].copy_from_slice(&id.to_be_bytes());
    header[2] = 0x80 | u8::from(recursion);
    header[3] = 0x80 | code as u8;
    header
}

/// The root's name, type OPT, the size that we take, nothing else.
const OPT_RECORD: [u8; 11] =
    [0, 0, TYPE_OPT as u8, (DATAGRAM_MAX >> 8) as u8, (DATAGRAM_MAX & 0xff) as u8, 0, 0, 0, 0, 0, 0];

fn encode(record: &Record) -> Vec<u8> {
    let (kind, data) = match record {
        Record::Address(address) => (1u16, address.octets().to_vec()),
        Record::Pointer(name) => (12, wire_name(name)),
    };
    let mut bytes = QUESTION_NAME.to_vec();
    bytes.extend(kind.to_be_bytes());
    bytes.extend(CLASS_IN.to_be_bytes());
    bytes.extend(TTL_SECONDS.to_be_bytes());
    // A name has 255 bytes at the most.
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

/// A name with dots as labels; what is too long for one is cut.
fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + 2);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(LABEL_MAX)];
        if bytes.len() + label.len() + 2 > NAME_MAX {
            break;
        }
        bytes.push(label.len() as u8);
        bytes.extend(label);
    }
    bytes.push(0);
    bytes
}

/// The question of a message, as bytes from behind the header to its class; `None` when it has none. For comparing
/// what came back with what was asked.
#[must_use]
pub fn question(bytes: &[u8]) -> Option<&[u8]> {
    let (_, end) = question_name(bytes)?;
    bytes.get(HEADER_LEN..end + 4)
}

/// The number that joins an answer to its query.
#[must_use]
pub fn id(bytes: &[u8]) -> Option<u16> {
    u16_at(bytes, 0)
}

/// Gives a message another number.
pub fn set_id(bytes: &mut [u8], id: u16) {
    if let Some(place) = bytes.get_mut(..2) {
        place.copy_from_slice(&id.to_be_bytes());
    }
}

/// Whether `answer` is one to the message `query`, whose number was replaced by `id`.
#[must_use]
pub fn answers(answer: &[u8], query: &[u8], id: u16) -> bool {
    let is_answer = answer.get(2).is_some_and(|flags| flags & 0x80 != 0);
    let same = match (question(answer), question(query)) {
        (Some(theirs), Some(ours)) => theirs.eq_ignore_ascii_case(ours),
        // A server that refuses need not repeat the question.
        (None, _) => answer.len() == HEADER_LEN,
        _ => false,
    };
    is_answer && u16_at(answer, 0) == Some(id) && same
}

/// Cuts a datagram that is longer than the client takes to its question, with the truncation bit set.
#[must_use]
pub fn truncated(answer: &[u8], max: usize) -> Vec<u8> {
    if answer.len() <= max {
        return answer.to_vec();
    }
    let end = question(answer).map_or(HEADER_LEN, |question| HEADER_LEN + question.len());
    let mut bytes = answer[..end].to_vec();
    bytes[2] |= 0x02;
    bytes[4..6].copy_from_slice(&u16::from(end > HEADER_LEN).to_be_bytes());
    bytes[6..HEADER_LEN].fill(0);
    bytes
}

#[cfg(test)]
mod tests;
