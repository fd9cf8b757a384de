//! Loading images from archives and layouts: what `docker save`, podman, skopeo, buildx, umoci write.
//!
//! An archive is read once, from start to end, so that standard input will do: every large member goes into the
//! content store as it passes, under a lease; then `index.json` (OCI) or `manifest.json` (docker) tells what they are.
//! Paths in these documents are names of members and nothing else; they never reach the file system.

mod collect;
mod docker;
mod layout;
mod oci;

use crate::compression::{self, UnsupportedCompression};
use crate::error::StoreError;
use crate::images::Images;
use crate::ingest::Ingest;
use crate::model::Image;
use crate::progress::Progress;
use crate::unpack::UnpackError;
use collect::Collected;
use content::ContentError;
use ids::{Digest, Reference, ReferenceError};
use spec::image::Platform;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// An image that was loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The image.
    pub image: Image,
    /// The names that it has from the archive; none is "Loaded image ID".
    pub references: Vec<Reference>,
    /// Names among them that meant another image before, with that image's id.
    pub replaced: Vec<(Reference, Digest)>,
}

/// Images could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The archive or layout could not be opened or read.
    #[error("cannot read {}", path.display())]
    Source {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no valid tar archive.
    #[error(transparent)]
    Archive(#[from] archive::ReadError),
    /// It is compressed in a way we do not know.
    #[error("cannot read the archive")]
    Compression(#[from] UnsupportedCompression),
    /// It holds neither `manifest.json` nor `index.json`.
    #[error(
        "it is no image archive: neither manifest.json (docker save) nor index.json (OCI) is in it; for a root file system use import"
    )]
    NotAnImage,
    /// `manifest.json`, `index.json` or `oci-layout` is no JSON of its kind.
    #[error("{member} in the archive cannot be understood")]
    Syntax {
        /// Which member.
        member: &'static str,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A document names a member that is not there.
    #[error("{member:?} is named in the archive, but is not in it")]
    MissingMember {
        /// Its path.
        member: String,
    },
    /// The archive has more of something than we are willing to take.
    #[error("the archive has more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many at most.
        limit: u64,
    },
    /// An image in it has an impossible name.
    #[error("the archive has an image with an impossible name")]
    Reference(#[from] ReferenceError),
    /// An index in it has nothing for the platform.
    #[error("the archive has no image for {wanted}; it has: {}", offered.join(", "))]
    Platform {
        /// What was wanted.
        wanted: String,
        /// What there is.
        offered: Vec<String>,
    },
    /// A layer could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The store failed, or a document is not what it must be.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ContentError> for LoadError {
    fn from(error: ContentError) -> Self {
        Self::Store(error.into())
    }
}

/// What an archive says about one image.
#[derive(Debug)]
struct Candidate {
    manifest: Digest,
    references: Vec<Reference>,
}

impl Images {
    /// Loads from a file (an archive, possibly compressed) or a directory (an OCI layout).
    ///
    /// # Errors
    /// When it cannot be read, is no image archive, or lies about what it holds. Images before the bad one may have
    /// been loaded.
    pub fn load_path(
        &self,
        path: &Path,
        platform: Option<&Platform>,
        progress: &dyn Progress,
    ) -> Result<Vec<Loaded>, LoadError> {
        let failed = |source| LoadError::Source { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_dir() {
            return self.load(file, platform, progress);
        }
        self.ingesting(|ingest| {
            let collected = layout::read(&file.into(), path, ingest, self)?;
            self.load_collected(ingest, &collected, platform, progress)
        })
    }

    /// Loads from a stream (an archive, possibly compressed).
    ///
    /// # Errors
    /// As [`load_path`](Self::load_path).
    pub fn load(
        &self,
        source: impl Read + Send,
        platform: Option<&Platform>,
        progress: &dyn Progress,
    ) -> Result<Vec<Loaded>, LoadError> {
        let failed = |source| LoadError::Source { path: "the archive".into(), source };
        let (compression, source) = compression::peek(source).map_err(failed)?;
        let stream = compression::decompress(compression?, source).map_err(failed)?;
        self.ingesting(|ingest| {
            let collected = Collected::from_archive(stream, ingest, &self.limits)?;
            self.load_collected(ingest, &collected, platform, progress)
        })
    }

    fn load_collected(
        &self,
        ingest: &Ingest,
        collected: &Collected,
        platform: Option<&Platform>,
        progress: &dyn Progress,
    ) -> Result<Vec<Loaded>, LoadError> {
        let candidates = if collected.documents.contains_key("index.json") {
            oci::candidates(self, ingest, collected, platform)?
        } else if collected.documents.contains_key("manifest.json") {
            docker::candidates(self, ingest, collected)?
        } else {
            return Err(LoadError::NotAnImage);
        };
        let mut loaded = Vec::new();
        for Candidate { manifest, references } in candidates {
            let assembled = self.assemble(&manifest)?;
            self.unpack_layers(ingest, &assembled, progress)?;
            let replaced = self.register(&assembled.image, &references)?;
            loaded.push(Loaded { image: assembled.image, references, replaced });
        }
        // An archive may hold more than its images need: other platforms, what a tool left in its layout.
        ingest.lease.clear()?;
        self.sweep()?;
        Ok(loaded)
    }
}
