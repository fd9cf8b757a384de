//! Why an archive could not be read.

use std::io;

/// Why reading an archive failed. Offsets are bytes from the start of the uncompressed stream.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source failed.
    #[error("cannot read the archive at byte {offset}")]
    Io {
        /// How far it was read.
        offset: u64,
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// The source ended too early.
    #[error("the archive ends at byte {offset}, in the middle of an entry")]
    Truncated {
        /// Where it ended.
        offset: u64,
    },
    /// A bound of [`Limits`](crate::Limits) was exceeded.
    #[error("the archive has {what} over the limit of {limit}, at byte {offset}")]
    OverLimit {
        /// Where the header stands.
        offset: u64,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The archive is not valid.
    #[error("malformed tar header at byte {offset}: {problem}")]
    Malformed {
        /// Where the header stands.
        offset: u64,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// What is wrong with a header.
///
/// Whatever GNU tar, Go's `archive/tar` and libarchive read in different ways is refused, so that no scanner sees
/// another archive than the one we apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The check sum of the header does not fit its bytes.
    #[error("wrong check sum (is this a tar archive, and is it decompressed?)")]
    Checksum,
    /// A number that is not one.
    #[error("bad number in the field {field}")]
    Number {
        /// The field.
        field: &'static str,
    },
    /// A number outside what the field may hold.
    #[error("{field} {value} is out of range")]
    Range {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: i64,
    },
    /// A type of entry we do not know.
    #[error("unknown entry type {flag:?}")]
    UnknownType {
        /// The type flag.
        flag: char,
    },
    /// An extension in a header without the magic of the format that defines it.
    #[error("extension of type {flag:?} in a header that has neither the POSIX nor the GNU magic")]
    ExtensionWithoutMagic {
        /// The type flag.
        flag: char,
    },
    /// No path, or no link target.
    #[error("empty {field}")]
    Empty {
        /// `path` or `link target`.
        field: &'static str,
    },
    /// A NUL where none may be.
    #[error("NUL byte in the {field}")]
    Nul {
        /// `path`, `link target` or the attribute's name.
        field: &'static str,
    },
    /// Content where readers disagree whether it is content.
    #[error("a {kind} with {size} bytes of content")]
    UnexpectedContent {
        /// What it is.
        kind: &'static str,
        /// The size it claims.
        size: u64,
    },
    /// A regular file whose name ends in a slash, which some readers take for a directory.
    #[error("the path of a regular file ends in a slash")]
    FileWithSlash,
    /// A PAX record that does not follow `LENGTH KEY=VALUE`.
    #[error("malformed PAX record")]
    PaxRecord,
    /// A PAX value that cannot be what its key says.
    #[error("bad value for the PAX key {key}")]
    PaxValue {
        /// The key.
        key: &'static str,
    },
    /// A global header that would change later entries; readers disagree about them.
    #[error("global PAX header with the key {key}, which only a header of one entry may have")]
    GlobalKey {
        /// The key.
        key: &'static str,
    },
    /// Two extension headers that say the same.
    #[error("two {what} for one entry")]
    Duplicate {
        /// What there are two of.
        what: &'static str,
    },
    /// Extension headers at the end, with no entry after them.
    #[error("extension header without an entry")]
    NoEntry,
    /// A sparse map that is incomplete, out of order or does not fit the sizes.
    #[error("bad sparse map")]
    SparseMap,
    /// A single zero block in the middle.
    #[error("a lone zero block before it")]
    LoneZeroBlock,
}
