//! The reader as a pure function of bytes, for fuzzing.

use crate::limits::Limits;
use crate::name::EntryPath;
use crate::reader::TarReader;

/// Small bounds, so that a fuzzer finds them.
const LIMITS: Limits = Limits {
    entries: 1000,
    content_bytes: 1 << 20,
    file_bytes: 1 << 30,
    extension_bytes: 1 << 16,
    path_bytes: 4095,
    depth: 64,
    sparse_extents: 512,
    xattrs: 32,
    trailing_bytes: 1 << 20,
};

/// Reads any bytes as an archive, with and without checking the sums (which a fuzzer never guesses), and returns
/// how many entries and bytes of content there were before the end or the first error.
///
/// It never panics, and never returns more than the bounds allow.
#[must_use]
pub fn fuzz_reader(data: &[u8]) -> (u64, u64) {
    let strict = read_all(TarReader::new(data, LIMITS));
    let lax = read_all(TarReader::new(data, LIMITS).ignore_checksums());
    (strict.0.max(lax.0), strict.1.max(lax.1))
}

fn read_all(mut reader: TarReader<&[u8]>) -> (u64, u64) {
    let (mut entries, mut bytes) = (0, 0);
    while let Ok(Some(entry)) = reader.next_entry() {
        entries += 1;
        // The outcome does not matter, only that there is one.
        let _ = EntryPath::parse(&entry.path, &LIMITS);
        while let Ok(piece) = reader.content_piece() {
            let length = piece.len();
            if length == 0 {
                break;
            }
            reader.consume(length);
            bytes += length as u64;
        }
    }
    let _ = reader.drain();
    (entries, bytes)
}

#[cfg(test)]
#[cfg(not(feature = "weakened"))]
mod tests {
    use super::*;
    use crate::entry::{Entry, Kind};
    use crate::writer::TarWriter;
    use proptest::prelude::*;

    fn sample() -> Vec<u8> {
        let mut writer = TarWriter::new(Vec::new());
        let mut entry = Entry::new("x".repeat(300), Kind::File, 0o644);
        entry.mtime.nanoseconds = 5;
        writer.append_bytes(&entry, &[7; 700]).unwrap();
        writer.append_bytes(&Entry::new("link", Kind::Symlink(b"to".to_vec()), 0o777), b"").unwrap();
        writer.finish().unwrap()
    }

    proptest! {
        #[test]
        fn any_bytes_end(data in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let (entries, bytes) = fuzz_reader(&data);
            prop_assert!(entries <= LIMITS.entries && bytes <= data.len() as u64);
        }

        #[test]
        fn damaged_archives_end(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20)) {
            let mut data = sample();
            for (index, byte) in changes {
                let at = index.index(data.len());
                data[at] = byte;
            }
            let (_, bytes) = fuzz_reader(&data);
            prop_assert!(bytes <= data.len() as u64);
        }
    }
}
