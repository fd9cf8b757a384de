//! One member of an archive, as plain data; what the reader returns and the writer takes.

/// A point in time, as in `struct timespec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Seconds since the epoch; negative before it.
    pub seconds: i64,
    /// Nanoseconds after that second, below 1,000,000,000.
    pub nanoseconds: u32,
}

/// An extended attribute (xattr(7)).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// The full name with its namespace, such as `security.capability`.
    pub name: Vec<u8>,
    /// The value, which may be empty.
    pub value: Vec<u8>,
}

/// A run of stored bytes in a sparse file; the rest of the file is zeroes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where in the file it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

/// A device number (makedev(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The driver; below 4096 on Linux.
    pub major: u32,
    /// The unit; below 1,048,576 on Linux.
    pub minor: u32,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to this text.
    Symlink(Vec<u8>),
    /// Another name of the file that stands at this path in the archive.
    HardLink(Vec<u8>),
    /// A character device.
    CharDevice(Device),
    /// A block device.
    BlockDevice(Device),
    /// A named pipe.
    Fifo,
}

/// The header of one entry with all extensions applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path as the archive has it: any bytes but NUL, not empty, not yet checked for `..`.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, set-id bits and the sticky bit (`07777`).
    pub mode: u32,
    /// The owner's id.
    pub uid: u32,
    /// The group's id.
    pub gid: u32,
    /// When the content was last modified.
    pub mtime: Timestamp,
    /// Bytes of the file, holes included; 0 for everything but files.
    pub size: u64,
    /// The data of a sparse file, ascending and without overlap; the archive stores just these, one after the
    /// other. `None` for an ordinary file.
    pub extents: Option<Vec<Extent>>,
    /// Extended attributes, each name once.
    pub xattrs: Vec<Xattr>,
}

impl Entry {
    /// An entry of that kind and mode, owned by root, at the epoch, without content.
    #[must_use]
    pub fn new(path: impl Into<Vec<u8>>, kind: Kind, mode: u32) -> Self {
        Self {
            path: path.into(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            mtime: Timestamp::default(),
            size: 0,
            extents: None,
            xattrs: Vec::new(),
        }
    }
}
