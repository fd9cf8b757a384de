//! Maps of sparse files (GNU tar manual, "Storing Sparse Files"): the old GNU header and its continuation blocks,
//! and the text at the start of the content in PAX format 1.0.

use crate::entry::Extent;
use crate::header::{BLOCK, Block, size_field};
use crate::read_error::Problem;

/// What an old GNU sparse header (type `S`) says.
pub(crate) struct OldMap {
    pub(crate) extents: Vec<Extent>,
    /// Bytes of the file, holes included.
    pub(crate) real_size: u64,
    /// Whether a continuation block follows.
    pub(crate) continued: bool,
}

impl OldMap {
    pub(crate) fn from_header(block: &Block) -> Result<Self, Problem> {
        let mut extents = Vec::new();
        slots(&block[386..482], &mut extents)?;
        Ok(Self {
            extents,
            real_size: size_field(&block[483..495], "real size")?,
            continued: block[482] != 0,
        })
    }

    /// Takes in a continuation block.
    pub(crate) fn extend(&mut self, block: &Block) -> Result<(), Problem> {
        slots(&block[..504], &mut self.extents)?;
        self.continued = block[504] != 0;
        Ok(())
    }
}

/// Pairs of 12-byte numbers up to the first empty one.
fn slots(area: &[u8], extents: &mut Vec<Extent>) -> Result<(), Problem> {
    for slot in area.chunks_exact(24).take_while(|slot| slot[0] != 0) {
        let extent = Extent {
            offset: size_field(&slot[..12], "sparse offset")?,
            length: size_field(&slot[12..], "sparse length")?,
        };
        extents.push(extent);
    }
    Ok(())
}

/// Reads the map of PAX format 1.0 block by block: the count of extents, then offset and length of each, one
/// decimal number to a line, padded to a block.
#[derive(Default)]
pub(crate) struct TextMap {
    line: Vec<u8>,
    count: Option<u64>,
    numbers: Vec<u64>,
}

impl TextMap {
    /// Takes in a block; `true` when the map is complete. `limit` bounds the count of extents.
    pub(crate) fn extend(&mut self, block: &Block, limit: u64) -> Result<bool, Problem> {
        for byte in block {
            match byte {
                _ if self.complete() => break,
                b'\n' => self.end_line(limit)?,
                b'0'..=b'9' if self.line.len() < 19 => self.line.push(*byte),
                _ => return Err(Problem::SparseMap),
            }
        }
        Ok(self.complete())
    }

    fn end_line(&mut self, limit: u64) -> Result<(), Problem> {
        let number = std::str::from_utf8(&self.line).ok().and_then(|text| text.parse::<u64>().ok());
        let number = number.ok_or(Problem::SparseMap)?;
        self.line.clear();
        if self.count.is_some() {
            self.numbers.push(number);
        } else if crate::guard::exceeds(number, limit) {
            return Err(Problem::SparseMap);
        } else {
            self.count = Some(number);
        }
        Ok(())
    }

    fn complete(&self) -> bool {
        self.count.is_some_and(|count| self.numbers.len() as u64 == count.saturating_mul(2))
    }

    pub(crate) fn into_extents(self) -> Vec<Extent> {
        self.numbers.chunks_exact(2).map(|pair| Extent { offset: pair[0], length: pair[1] }).collect()
    }
}

/// Whether the extents ascend without overlap, stay within the file and are exactly what is stored.
pub(crate) fn check(extents: &[Extent], real_size: u64, stored: u64) -> Result<(), Problem> {
    let mut end = 0u64;
    let mut sum = 0u64;
    for extent in extents {
        if extent.offset < end {
            return Err(Problem::SparseMap);
        }
        end = extent.offset.checked_add(extent.length).ok_or(Problem::SparseMap)?;
        // Cannot overflow: the extents do not overlap, so that their sum is at most `end`.
        sum += extent.length;
    }
    if end <= real_size && sum == stored { Ok(()) } else { Err(Problem::SparseMap) }
}

/// The bytes of whole blocks that `size` bytes take.
pub(crate) fn padded(size: u64) -> Option<u64> {
    size.checked_next_multiple_of(BLOCK as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(pairs: &[(u64, u64)]) -> Vec<Extent> {
        pairs.iter().map(|(offset, length)| Extent { offset: *offset, length: *length }).collect()
    }

    #[test]
    fn maps_that_lie_are_refused() {
        for (pairs, real, stored, fits) in [
            (&[(0, 10), (20, 5)][..], 25, 15, true),
            (&[(0, 10), (100, 0)], 100, 10, true),
            (&[], 1 << 40, 0, true),
            (&[(0, 10), (5, 10)], 25, 20, false),
            (&[(20, 5), (0, 10)], 25, 15, false),
            (&[(0, 10)], 5, 10, false),
            (&[(0, 10)], 25, 20, false),
            (&[(u64::MAX, 2)], 25, 2, false),
        ] {
            assert_eq!(check(&extents(pairs), real, stored).is_ok(), fits, "{pairs:?}");
        }
    }

    #[test]
    fn a_text_map_is_read_across_blocks() {
        let mut text = b"60\n".to_vec();
        for index in 0..60u64 {
            text.extend_from_slice(format!("{}\n5\n", index * 1_000_000).as_bytes());
        }
        text.resize(text.len().next_multiple_of(BLOCK), 0);
        let mut map = TextMap::default();
        let blocks: Vec<&Block> = text.chunks_exact(BLOCK).map(|block| block.try_into().unwrap()).collect();
        assert!(blocks.len() > 1);
        for (index, block) in blocks.iter().enumerate() {
            assert_eq!(map.extend(block, 100).unwrap(), index + 1 == blocks.len());
        }
        assert_eq!(map.into_extents()[59], Extent { offset: 59_000_000, length: 5 });
        assert!(cfg!(feature = "weakened") || TextMap::default().extend(blocks[0], 59).is_err());
        let mut block = [b'x'; BLOCK];
        assert!(TextMap::default().extend(&block, 9).is_err());
        block.fill(b'1');
        assert!(TextMap::default().extend(&block, 9).is_err());
    }
}
