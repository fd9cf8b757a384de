//! How much of an archive we are willing to take in.

/// Bounds for one archive. Exceeding one is an error, never a truncation.
///
/// The defaults let every real image through and keep a hostile one from using more than a few megabytes of memory
/// or more disk than a large image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Headers in the archive, extension headers included.
    pub entries: u64,
    /// Content bytes stored in the archive, all entries together.
    pub content_bytes: u64,
    /// Bytes of one file as a reader of it sees them, holes included.
    pub file_bytes: u64,
    /// Bytes of the extension headers (PAX, GNU long names) before one entry, all together.
    pub extension_bytes: u64,
    /// Bytes of one path or link target (`PATH_MAX` is 4096 with the final NUL).
    pub path_bytes: u64,
    /// Components of one path.
    pub depth: u64,
    /// Data extents of one sparse file.
    pub sparse_extents: u64,
    /// Extended attributes of one entry.
    pub xattrs: u64,
    /// Bytes after the end-of-archive mark that are read and dropped (GNU tar pads to its blocking factor).
    pub trailing_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 8_000_000,
            content_bytes: 512 << 30,
            file_bytes: 1 << 40,
            extension_bytes: 1 << 20,
            path_bytes: 4095,
            depth: 255,
            sparse_extents: 32_768,
            xattrs: 256,
            trailing_bytes: 64 << 20,
        }
    }
}
