//! Which compression a layer has, told by its first bytes, and taking it off.

use std::io::{self, Read};

/// How a layer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Plain,
    Gzip,
    Zstd,
}

/// A compression that we know by its first bytes and cannot take off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is compressed with {name}, which is not supported; recompress it with gzip or zstd, or unpack it first"
)]
pub struct UnsupportedCompression {
    name: &'static str,
}

/// How many bytes [`Compression::detect`] looks at.
const MAGIC_LEN: usize = 10;
/// The largest zstd window, log2 of bytes: what the decoder may allocate (128 MiB, zstd's own default).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

impl Compression {
    /// Judges by the magic numbers (RFC 1952, RFC 8878, and the formats that are refused).
    pub(crate) fn detect(head: &[u8]) -> Result<Self, UnsupportedCompression> {
        match head {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Self::Zstd),
            // A skippable frame, as zstd:chunked and seekable zstd may begin with.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Err(UnsupportedCompression { name: "xz" }),
            // The level, and the magic of the first block: "BZh" alone may begin the name of a file in a tar.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => {
                Err(UnsupportedCompression { name: "bzip2" })
            }
            _ => Ok(Self::Plain),
        }
    }
}

/// A source with its first bytes looked at and put back.
type Peeked<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// Looks at the first bytes of a source.
pub(crate) fn peek<R: Read>(
    mut source: R,
) -> io::Result<(Result<Compression, UnsupportedCompression>, Peeked<R>)> {
    let mut head = Vec::new();
    (&mut source).take(MAGIC_LEN as u64).read_to_end(&mut head)?;
    let compression = Compression::detect(&head);
    Ok((compression, io::Cursor::new(head).chain(source)))
}

/// Takes the compression off as bytes pass.
pub(crate) fn decompress<'a>(
    compression: Compression,
    source: impl Read + Send + 'a,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    const BUFFER: usize = 128 << 10;
    Ok(match compression {
        Compression::Plain => Box::new(source),
        // Several members one after the other are one stream (RFC 1952 section 2.2; pigz and bgzip write so).
        Compression::Gzip => {
            Box::new(flate2::bufread::MultiGzDecoder::new(io::BufReader::with_capacity(BUFFER, source)))
        }
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(io::BufReader::with_capacity(BUFFER, source))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(decoder)
        }
    })
}

/// A source without its compression (gzip, zstd or none), told by its first bytes.
///
/// # Errors
/// When it cannot be read, or is compressed in another way ([`UnsupportedCompression`]).
pub fn decompressed<'a>(source: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let (compression, source) = peek(source)?;
    decompress(compression.map_err(io::Error::other)?, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decompressed(bytes)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_supported_compression_comes_off() {
        let two_members = [gzip(b"one "), gzip(b"two")].concat();
        let frames =
            [zstd::encode_all(&b"one "[..], 1).unwrap(), zstd::encode_all(&b"two"[..], 1).unwrap()].concat();
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7], frames.as_slice()].concat();
        for packed in [b"one two".to_vec(), two_members, frames, skippable] {
            assert_eq!(unpack(&packed).unwrap(), b"one two");
        }
        assert_eq!(unpack(b"").unwrap(), b"");
    }

    #[test]
    fn what_is_cut_or_foreign_is_an_error() {
        let packed = gzip(b"some text that is long enough");
        assert!(unpack(&packed[..packed.len() - 5]).is_err());
        let packed = zstd::encode_all(&b"some text"[..], 1).unwrap();
        assert!(unpack(&packed[..packed.len() - 2]).is_err());
        assert!(unpack(b"\xfd7zXZ\0...").unwrap_err().to_string().contains("with xz"));
        assert!(unpack(b"BZh91AY&SY...").unwrap_err().to_string().contains("with bzip2"));
        assert_eq!(unpack(b"BZhello").unwrap(), b"BZhello");
    }
}
