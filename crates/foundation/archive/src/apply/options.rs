//! How a layer is to be applied.

use crate::limits::Limits;
use std::os::fd::BorrowedFd;

/// The class of overlayfs's own attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlayXattr {
    /// `trusted.overlay.*`, read by mounts made with CAP_SYS_ADMIN in the first user namespace.
    Trusted,
    /// `user.overlay.*`, read by mounts with the option `userxattr`, inside a user namespace.
    User,
}

impl OverlayXattr {
    pub(crate) fn opaque(self) -> &'static str {
        match self {
            Self::Trusted => "trusted.overlay.opaque",
            Self::User => "user.overlay.opaque",
        }
    }
}

/// What names that begin with `.wh.` mean (OCI image-spec, layer.md, "Whiteouts").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whiteouts {
    /// The target is one layer of an overlay: whiteouts become character devices 0:0, opaque marks an attribute.
    Overlay {
        /// The attribute's class.
        xattr: OverlayXattr,
    },
    /// The target holds the layers below already (a flat root, or a mounted overlay): what is hidden is deleted,
    /// except what this layer itself brought.
    Delete,
    /// Nothing: the archive is a plain one.
    Literal,
}

/// Maps the user and group id of an entry to those on disk; `None` when an id has no place.
pub type MapIds<'a> = &'a dyn Fn(u32, u32) -> Option<(u32, u32)>;

/// To whom entries belong.
#[derive(Clone, Copy, Default)]
pub enum Ownership<'a> {
    /// To the ids in the archive.
    #[default]
    Recorded,
    /// To what the function makes of them; an id without a place is an error.
    Mapped(MapIds<'a>),
    /// All to the calling process.
    Caller,
}

impl Ownership<'_> {
    /// The ids to set: `Some(None)` for none, `None` when an id has no place.
    pub(crate) fn of(&self, uid: u32, gid: u32) -> Option<Option<(u32, u32)>> {
        match self {
            Self::Recorded => Some(Some((uid, gid))),
            Self::Mapped(map) => map(uid, gid).map(Some),
            Self::Caller => Some(None),
        }
    }
}

/// What to do with devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Devices {
    /// Make them; needs CAP_MKNOD in the first user namespace.
    #[default]
    Create,
    /// Leave them out, as Docker does inside a user namespace.
    Skip,
}

/// How a layer is to be applied.
#[derive(Clone, Copy)]
pub struct ApplyOptions<'a> {
    /// What `.wh.` names mean.
    pub whiteouts: Whiteouts,
    /// To whom entries belong.
    pub ownership: Ownership<'a>,
    /// What to do with devices.
    pub devices: Devices,
    /// How much is taken in.
    pub limits: Limits,
    /// With [`Whiteouts::Overlay`]: the directories of the layers below, the nearest first. Hard links to their
    /// files are made by copying the file up, and implied directories get the attributes that they have there.
    pub lower: &'a [BorrowedFd<'a>],
    /// Whether a directory only takes the place of a directory, and anything else only that of anything else; what
    /// does not fit is then refused instead of replaced (`cp`).
    pub keep_kinds: bool,
    /// Whether to end with one syncfs(2). No file is synced by itself.
    pub sync: bool,
}

impl Default for ApplyOptions<'_> {
    /// A plain archive with its recorded owners, default limits, not synced.
    fn default() -> Self {
        Self {
            whiteouts: Whiteouts::Literal,
            ownership: Ownership::Recorded,
            devices: Devices::Create,
            limits: Limits::default(),
            lower: &[],
            keep_kinds: false,
            sync: false,
        }
    }
}
