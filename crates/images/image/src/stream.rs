//! One layer as a stream: read, inflate and hash on one thread, parse and write on another.
//!
//! The two are joined by a short queue of blocks, so memory is bounded (about two megabytes a layer) and both
//! processors work. Hashing goes with inflating, since parsing and writing take longer than inflating alone.

use crate::compression::{Compression, decompress};
use content::Digester;
use ids::{Algorithm, Digest};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes of one block, and how many may wait.
const BLOCK: usize = 256 << 10;
const QUEUE: usize = 4;
/// Below this many packed bytes a second thread costs more than it brings.
const ALONE_MAX: u64 = 512 << 10;

/// More came out of a layer than it may hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it unpacks to more than the limit of {limit} bytes")]
pub struct UnpackedTooLarge {
    /// The limit in bytes.
    pub limit: u64,
}

/// What is read, hashed as it passes and stopped at a limit.
struct Hashed<R> {
    source: R,
    /// `None` when the digest is known already.
    digester: Option<Digester>,
    passed: u64,
    limit: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.passed += count as u64;
        if self.passed > self.limit {
            return Err(io::Error::other(UnpackedTooLarge { limit: self.limit }));
        }
        if let Some(digester) = &mut self.digester {
            digester.update(&buffer[..count]);
        }
        Ok(count)
    }
}

/// A layer to stream.
pub(crate) struct Packed<R> {
    pub(crate) source: R,
    pub(crate) compression: Compression,
    /// Its length.
    pub(crate) size: u64,
    /// Its digest as it is packed, if that is verified already.
    pub(crate) digest: Option<Digest>,
    /// Which hash the unpacked digest has.
    pub(crate) algorithm: Algorithm,
    /// How many unpacked bytes are too many.
    pub(crate) limit: u64,
}

/// Runs `consume` on the unpacked bytes; its result, and the digest of all of them (also of those that `consume` left).
pub(crate) fn with_unpacked<R: Read + Send, T>(
    packed: Packed<R>,
    consume: impl FnOnce(&mut dyn Read) -> T,
) -> io::Result<(T, Digest)> {
    let Packed { source, compression, size, digest, algorithm, limit } = packed;
    // What was stored unpacked was hashed when it was stored.
    let known = digest.filter(|digest| compression == Compression::Plain && digest.algorithm() == algorithm);
    let digester = known.is_none().then(|| Digester::new(algorithm));
    let hashed = |source| Hashed { source, digester, passed: 0, limit };
    let finish = |digester: Option<Digester>| known.clone().or(digester.map(Digester::finish));
    let nothing = || io::Error::from(io::ErrorKind::Unsupported);
    if compression == Compression::Plain || size < ALONE_MAX {
        let mut stream = hashed(decompress(compression, source)?);
        let result = consume(&mut stream);
        io::copy(&mut stream, &mut io::sink())?;
        return Ok((result, finish(stream.digester).ok_or_else(nothing)?));
    }
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(QUEUE);
        let producer = scope.spawn(move || {
            let stream = decompress(compression, source).map(hashed);
            stream.map(|mut stream| {
                produce(&mut stream, &sender);
                stream.digester
            })
        });
        let mut blocks = Blocks { receiver, block: Vec::new(), at: 0 };
        let result = consume(&mut blocks);
        let rest = io::copy(&mut blocks, &mut io::sink());
        drop(blocks);
        let digester = producer.join().map_err(|_| nothing())??;
        rest?;
        Ok((result, finish(digester).ok_or_else(nothing)?))
    })
}

/// Reads blocks and sends them; stops when nobody takes them, or after an error.
fn produce(stream: &mut impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        let read = stream.take(BLOCK as u64).read_to_end(&mut block);
        let (last, sent) = match read {
            Ok(0) => (true, Ok(())),
            Ok(_) => (false, sender.send(Ok(block))),
            Err(error) => (true, sender.send(Err(error))),
        };
        if last || sent.is_err() {
            return;
        }
    }
}

/// The receiving end as a reader.
struct Blocks {
    receiver: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            match self.receiver.recv() {
                Ok(block) => (self.block, self.at) = (block?, 0),
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.block.len() - self.at);
        buffer[..count].copy_from_slice(&self.block[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(compression: Compression, bytes: &[u8], limit: u64, take: u64) -> io::Result<(Vec<u8>, Digest)> {
        let packed = Packed {
            source: bytes,
            compression,
            size: bytes.len() as u64,
            digest: Some(Digester::of(bytes)),
            algorithm: Algorithm::Sha256,
            limit,
        };
        with_unpacked(packed, |stream| {
            let mut taken = Vec::new();
            stream.take(take).read_to_end(&mut taken).map(|_| taken)
        })
        .and_then(|(taken, digest)| Ok((taken?, digest)))
    }

    #[test]
    fn the_digest_covers_what_the_consumer_left() {
        let mut seed = 1u32;
        let bytes: Vec<u8> = (0..3_000_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        let packed = zstd::encode_all(bytes.as_slice(), 1).unwrap();
        for (compression, input) in [(Compression::Plain, &bytes), (Compression::Zstd, &packed)] {
            for take in [0, 10, 600_000, u64::MAX] {
                let (taken, digest) = run(compression, input, u64::MAX, take).unwrap();
                assert_eq!(taken.len() as u64, take.min(bytes.len() as u64));
                assert!(bytes.starts_with(&taken));
                assert_eq!(digest, Digester::of(&bytes));
            }
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let bomb = zstd::encode_all(io::repeat(0).take(100 << 20), 1).unwrap();
        let error = run(Compression::Zstd, &bomb, 1 << 20, u64::MAX).unwrap_err();
        assert_eq!(error.to_string(), "it unpacks to more than the limit of 1048576 bytes");
        // Large enough for the second thread.
        let long = [bomb.as_slice(), &vec![0; ALONE_MAX as usize]].concat();
        assert!(run(Compression::Zstd, &long, 1 << 20, u64::MAX).is_err());
    }

    #[test]
    fn an_error_of_the_source_reaches_the_consumer() {
        let packed = zstd::encode_all(io::repeat(7).take(100 << 20), 19).unwrap();
        assert!(run(Compression::Zstd, &packed[..packed.len() / 2], u64::MAX, u64::MAX).is_err());
    }
}
