//! The seam to the applier: what of a layer's archive matters for images.

use crate::images::Images;
use archive::{ApplyOptions, Devices, MissingHardLink, OverlayXattr, Ownership, Refusal, Whiteouts};
use snapshot::{Flavour, PendingLayer};
use std::io::Read;

pub use archive::ApplyError;

/// What came of it.
pub(crate) struct Applied {
    /// How many entries the archive had.
    pub(crate) entries: u64,
    /// It has files in directories that it does not have itself.
    pub(crate) implies_directories: bool,
    /// It has hard links to files that it does not have, the first of them.
    pub(crate) missing_hard_link: Option<MissingHardLink>,
}

impl Applied {
    /// Whether the result depends on the layers below.
    pub(crate) fn leans_on_parents(&self) -> bool {
        self.implies_directories || self.missing_hard_link.is_some()
    }

    /// For the lowest layer: an error when it links to what cannot be anywhere.
    pub(crate) fn check_base(&self) -> Result<(), ApplyError> {
        match &self.missing_hard_link {
            None => Ok(()),
            Some(link) => Err(ApplyError::Refused {
                path: link.path.clone(),
                reason: Refusal::NoLinkTarget { target: link.target.clone() },
            }),
        }
    }
}

impl Images {
    /// Applies an uncompressed layer to its directory.
    pub(crate) fn apply(&self, stream: &mut dyn Read, pending: &PendingLayer) -> Result<Applied, ApplyError> {
        let (xattr, devices) = match self.flavour {
            Flavour::Trusted => (OverlayXattr::Trusted, Devices::Create),
            Flavour::User => (OverlayXattr::User, Devices::Skip),
        };
        let options = ApplyOptions {
            whiteouts: if pending.is_mounted() { Whiteouts::Delete } else { Whiteouts::Overlay { xattr } },
            ownership: Ownership::Recorded,
            devices,
            limits: archive::Limits {
                content_bytes: self.limits.unpacked_bytes,
                ..archive::Limits::default()
            },
            lower: &[],
            keep_kinds: false,
            sync: false,
        };
        let applied = archive::apply_layer(stream, pending.target(), &options)?;
        Ok(Applied {
            entries: applied.entries,
            implies_directories: !applied.implied_dirs.is_empty(),
            missing_hard_link: applied.missing_hardlinks.into_iter().next(),
        })
    }
}
