//! A tar reader over any byte source: ustar, PAX, GNU long names, GNU sparse files, star, V7.
//!
//! Who calls it: the applier (`apply_layer`), `load` (archives of images), `cp`. The contract: an archive is read
//! in one pass with bounded memory; what the three big readers (GNU tar, Go, libarchive) understand differently is
//! an error ([`Problem`]), so that nothing can be smuggled past a scanner. An archive may end with two zero blocks,
//! with one, or, as many writers leave it, with the last entry, whose padding may be missing too (umoci flushes no
//! more; Go's reader takes that for the end).
//!
//! Ready parsers were weighed and refused: tar-core 0.1 lets base-256 sizes wrap around (2^64 + 512 reads as 512)
//! and takes a malformed PAX record for the end of the header, so that what follows is silently ignored; it has no
//! times before 1970 nor below a second, and parses a chain of extensions again for every block it lacks.

use crate::assemble::{Extensions, assemble, last_of_each, long_name};
use crate::entry::{Entry, Extent, Kind};
use crate::guard::exceeds;
use crate::header::{BLOCK, Block, Header};
use crate::limits::Limits;
use crate::pax::{self, PaxHeader};
use crate::read_error::{Problem, ReadError};
use crate::sparse::{self, OldMap, TextMap};
use std::io::{self, Read};

/// Large enough that a big file costs few calls, small enough to stay in the second-level cache.
const BUFFER: usize = 256 << 10;

/// Reads entries one after the other; between two, the content of the first can be taken.
#[derive(Debug)]
pub struct TarReader<R> {
    source: R,
    limits: Limits,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes of the stream before `start`.
    position: u64,
    /// Content of the current entry that was not taken yet.
    remaining: u64,
    /// Zeroes between that content and the next header.
    padding: u64,
    headers: u64,
    content: u64,
    finished: bool,
    verify_checksums: bool,
}

impl<R: Read> TarReader<R> {
    /// A reader at the start of an uncompressed archive. The source needs no buffering of its own.
    pub fn new(source: R, limits: Limits) -> Self {
        Self {
            source,
            limits,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            position: 0,
            remaining: 0,
            padding: 0,
            headers: 0,
            content: 0,
            finished: false,
            verify_checksums: true,
        }
    }

    /// For fuzzing: takes headers whatever their check sum.
    pub(crate) fn ignore_checksums(mut self) -> Self {
        self.verify_checksums = false;
        self
    }

    /// The next entry, `None` at the end. Content of the previous one that was not taken is passed over.
    ///
    /// # Errors
    /// When the source fails or the archive is malformed, truncated or over a limit. The reader must not be used
    /// after an error.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        if self.finished {
            return Ok(None);
        }
        self.skip_content()?;
        let mut extensions = Extensions::default();
        loop {
            let offset = self.position;
            let block = match self.block()? {
                Some(block) if block != [0; BLOCK] => block,
                last => return self.end(offset, last.is_some(), &extensions),
            };
            self.headers += 1;
            self.bound(offset, "headers", self.headers, self.limits.entries)?;
            let header = Header::new(&block, self.verify_checksums).map_err(malformed(offset))?;
            match header.flag() {
                flag @ (b'x' | b'g' | b'L' | b'K') => {
                    self.extension(offset, &header, flag, &mut extensions)?;
                }
                _ => return self.entry(offset, &block, &header, extensions).map(Some),
            }
        }
    }

    /// A piece of the current entry's content, empty at its end. [`TarReader::consume`] says how much was used.
    ///
    /// Of a sparse file these are its extents, one after the other.
    ///
    /// # Errors
    /// When the source fails or ends too early.
    pub fn content_piece(&mut self) -> Result<&[u8], ReadError> {
        if self.remaining == 0 {
            return Ok(&[]);
        }
        if self.start == self.end && !self.fill()? {
            return Err(ReadError::Truncated { offset: self.position });
        }
        let length = self.remaining.min((self.end - self.start) as u64) as usize;
        Ok(&self.buffer[self.start..self.start + length])
    }

    /// Says that the first `count` bytes of the last piece were used.
    pub fn consume(&mut self, count: usize) {
        let count =
            count.min(self.end - self.start).min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        self.advance(count);
        self.remaining -= count as u64;
    }

    /// The current entry's content as a [`Read`].
    pub fn content(&mut self) -> Content<'_, R> {
        Content { reader: self }
    }

    /// Reads the source to its end, past what may follow the archive, so that a digest of the stream is complete.
    ///
    /// # Errors
    /// When the source fails or more follows than the limit.
    pub fn drain(&mut self) -> Result<(), ReadError> {
        let archive_end = self.position;
        loop {
            self.advance(self.end - self.start);
            let trailing = self.position - archive_end;
            self.bound(self.position, "bytes after its end", trailing, self.limits.trailing_bytes)?;
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// How many bytes of the stream were used so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn advance(&mut self, count: usize) {
        self.start += count;
        self.position += count as u64;
    }

    /// Reads once more; `false` at the end of the source.
    fn fill(&mut self) -> Result<bool, ReadError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ReadError::Io { offset: self.position, source }),
            }
        }
    }

    /// The next block; `None` when the source ended before it.
    fn block(&mut self) -> Result<Option<Block>, ReadError> {
        while self.end - self.start < BLOCK {
            if !self.fill()? {
                let nothing = self.start == self.end;
                return if nothing { Ok(None) } else { Err(ReadError::Truncated { offset: self.position }) };
            }
        }
        let mut block = [0; BLOCK];
        block.copy_from_slice(&self.buffer[self.start..self.start + BLOCK]);
        self.advance(BLOCK);
        Ok(Some(block))
    }

    /// Passes over what is left of the current entry. Only its padding may be missing.
    fn skip_content(&mut self) -> Result<(), ReadError> {
        let content = std::mem::take(&mut self.remaining);
        if !self.skip(content)? {
            return Err(ReadError::Truncated { offset: self.position });
        }
        let padding = std::mem::take(&mut self.padding);
        self.skip(padding).map(drop)
    }

    /// Passes over so many bytes; `false` when the source ends before.
    fn skip(&mut self, mut left: u64) -> Result<bool, ReadError> {
        while left > 0 {
            if self.start == self.end && !self.fill()? {
                return Ok(false);
            }
            let count = left.min((self.end - self.start) as u64) as usize;
            self.advance(count);
            left -= count as u64;
        }
        Ok(true)
    }

    fn end(
        &mut self,
        offset: u64,
        zero_block: bool,
        extensions: &Extensions,
    ) -> Result<Option<Entry>, ReadError> {
        self.finished = true;
        if !extensions.is_empty() {
            return Err(malformed(offset)(Problem::NoEntry));
        }
        if zero_block && self.block()?.is_some_and(|second| second != [0; BLOCK]) {
            return Err(malformed(offset + BLOCK as u64)(Problem::LoneZeroBlock));
        }
        Ok(None)
    }

    fn bound(&self, offset: u64, what: &'static str, count: u64, limit: u64) -> Result<(), ReadError> {
        if exceeds(count, limit) { Err(ReadError::OverLimit { offset, what, limit }) } else { Ok(()) }
    }

    fn extension(
        &mut self,
        offset: u64,
        header: &Header<'_>,
        flag: u8,
        extensions: &mut Extensions,
    ) -> Result<(), ReadError> {
        let bad = malformed(offset);
        if header.format == crate::header::Format::V7 {
            return Err(bad(Problem::ExtensionWithoutMagic { flag: char::from(flag) }));
        }
        let size = header.size().map_err(&bad)?;
        extensions.bytes = extensions.bytes.saturating_add(size);
        self.bound(offset, "bytes in extension headers", extensions.bytes, self.limits.extension_bytes)?;
        let content = self.extension_content(size)?;
        let (duplicate, what) = match flag {
            b'g' => return pax::check_global(&content).map_err(bad),
            b'x' => {
                let header = PaxHeader::parse(&content).map_err(&bad)?;
                (extensions.pax.replace(header).is_some(), "PAX headers")
            }
            b'L' => {
                let path = long_name(&content, "path").map_err(&bad)?;
                (extensions.long_path.replace(path).is_some(), "GNU long names")
            }
            _ => {
                let link = long_name(&content, "link target").map_err(&bad)?;
                (extensions.long_link.replace(link).is_some(), "GNU long link names")
            }
        };
        if duplicate { Err(bad(Problem::Duplicate { what })) } else { Ok(()) }
    }

    fn extension_content(&mut self, size: u64) -> Result<Vec<u8>, ReadError> {
        // Grown as the bytes come, so that a size that lies costs nothing.
        let mut content = Vec::new();
        while (content.len() as u64) < size {
            let block = self.block()?.ok_or(ReadError::Truncated { offset: self.position })?;
            let wanted = (size - content.len() as u64).min(BLOCK as u64) as usize;
            content.extend_from_slice(&block[..wanted]);
        }
        Ok(content)
    }

    fn entry(
        &mut self,
        offset: u64,
        block: &Block,
        header: &Header<'_>,
        extensions: Extensions,
    ) -> Result<Entry, ReadError> {
        let bad = malformed(offset);
        let (mut entry, mut pax, stored) = assemble(header, extensions).map_err(&bad)?;
        self.bound(offset, "path bytes", entry.path.len() as u64, self.limits.path_bytes)?;
        if let Kind::Symlink(target) | Kind::HardLink(target) = &entry.kind {
            self.bound(offset, "link target bytes", target.len() as u64, self.limits.path_bytes)?;
        }
        self.bound(offset, "extended attributes", pax.xattrs.len() as u64, self.limits.xattrs)?;
        entry.xattrs = last_of_each(std::mem::take(&mut pax.xattrs));
        self.content = self.content.saturating_add(stored);
        self.bound(offset, "bytes of content", self.content, self.limits.content_bytes)?;
        self.padding = sparse::padded(stored).ok_or(bad(Problem::Number { field: "size" }))? - stored;
        self.remaining = stored;
        self.sparse_map(offset, block, header, &mut entry, pax)?;
        self.bound(offset, "bytes in one file", entry.size, self.limits.file_bytes)?;
        Ok(entry)
    }

    /// Finds the map if the entry is a sparse file, and checks it.
    fn sparse_map(
        &mut self,
        offset: u64,
        block: &Block,
        header: &Header<'_>,
        entry: &mut Entry,
        pax: PaxHeader,
    ) -> Result<(), ReadError> {
        let bad = malformed(offset);
        let marked = pax.sparse.extents.is_some() || pax.sparse.major.is_some();
        let old = header.flag() == b'S';
        if marked && (old || entry.kind != Kind::File) {
            return Err(bad(Problem::SparseMap));
        }
        let (extents, real_size) = if old {
            self.old_map(offset, block)?
        } else if marked {
            let real_size = pax.sparse.real_size.ok_or(bad(Problem::SparseMap))?;
            let text = (pax.sparse.major, pax.sparse.minor) == (Some(1), Some(0));
            let extents = match pax.sparse.extents {
                None if text => self.text_map(offset)?,
                Some(extents)
                    if !text && pax.sparse.count.is_none_or(|count| count == extents.len() as u64) =>
                {
                    extents
                }
                _ => return Err(bad(Problem::SparseMap)),
            };
            (extents, real_size)
        } else {
            return Ok(());
        };
        self.bound(offset, "extents in a sparse file", extents.len() as u64, self.limits.sparse_extents)?;
        sparse::check(&extents, real_size, self.remaining).map_err(bad)?;
        entry.size = real_size;
        entry.extents = Some(extents);
        Ok(())
    }

    fn old_map(&mut self, offset: u64, block: &Block) -> Result<(Vec<Extent>, u64), ReadError> {
        let mut map = OldMap::from_header(block).map_err(malformed(offset))?;
        while map.continued {
            let count = map.extents.len() as u64;
            self.headers += 1;
            self.bound(offset, "extents in a sparse file", count, self.limits.sparse_extents)?;
            self.bound(offset, "headers", self.headers, self.limits.entries)?;
            let block = self.block()?.ok_or(ReadError::Truncated { offset: self.position })?;
            map.extend(&block).map_err(malformed(offset))?;
        }
        Ok((map.extents, map.real_size))
    }

    fn text_map(&mut self, offset: u64) -> Result<Vec<Extent>, ReadError> {
        let mut map = TextMap::default();
        loop {
            self.remaining =
                self.remaining.checked_sub(BLOCK as u64).ok_or(malformed(offset)(Problem::SparseMap))?;
            let block = self.block()?.ok_or(ReadError::Truncated { offset: self.position })?;
            if map.extend(&block, self.limits.sparse_extents).map_err(malformed(offset))? {
                return Ok(map.into_extents());
            }
        }
    }
}

/// The content of one entry, from [`TarReader::content`].
#[derive(Debug)]
pub struct Content<'a, R> {
    reader: &'a mut TarReader<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.reader.content_piece().map_err(io::Error::other)?;
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        self.reader.consume(count);
        Ok(count)
    }
}

fn malformed(offset: u64) -> impl Fn(Problem) -> ReadError {
    move |problem| ReadError::Malformed { offset, problem }
}
