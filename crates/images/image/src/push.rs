//! Pushing an image: the blobs that the registry lacks, then the manifest, all as they were received.

use crate::document;
use crate::error::StoreError;
use crate::get::GetError;
use crate::images::Images;
use crate::ingest::Ingest;
use crate::model::{Image, platform_text};
use crate::platform::rank;
use content::{Change, NameRecord};
use distribution::{Config, ManifestTarget, Purpose, RegistryError, Session, UploadEvent, UploadJob};
use ids::{Digest, Reference, ReferenceError};
use spec::image::{Descriptor, Manifest, Platform, media_type};
use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many neighbours are asked to give a blob.
const NEIGHBOURS_MAX: usize = 3;

/// How to push.
#[derive(Debug, Clone, Copy)]
pub struct PushOptions<'a> {
    /// How registries are spoken to.
    pub config: &'a Config,
    /// How many layers are transferred at once (Docker's `max-concurrent-uploads`, 5).
    pub at_once: usize,
    /// What the image must run on.
    pub platform: Option<&'a Platform>,
}

/// Where one layer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushStep {
    /// It is known, and others come first.
    Preparing,
    /// It is being transferred.
    Pushing {
        /// So far.
        bytes: u64,
        /// Of how many.
        total: u64,
    },
    /// The transfer broke and is tried again.
    Retrying {
        /// How many seconds from now.
        after_seconds: u64,
        /// Why it broke.
        reason: String,
    },
    /// The registry has it.
    Pushed,
    /// The registry had it.
    Exists,
    /// It was taken from another repository of the registry.
    Mounted {
        /// Which.
        from: String,
    },
}

/// Receives progress.
pub trait PushProgress {
    /// A layer (by the digest of its uncompressed tar, as Docker names it here) has come to a step.
    fn layer(&self, diff_id: &Digest, step: PushStep);
}

/// What a push left in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The manifest's digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// An image could not be pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// There is none of that name. The words are Docker's.
    #[error("An image does not exist locally with the tag: {name}")]
    NotFound {
        /// As people call it.
        name: String,
    },
    /// Only the registry gives names with digests.
    #[error("cannot push a digest reference")]
    Digest,
    /// It is for another platform.
    #[error("image {name} is for {actual}, not for {wanted}; pull it for that platform first")]
    Platform {
        /// The image.
        name: String,
        /// What it is for.
        actual: String,
        /// What was wanted.
        wanted: String,
    },
    /// The image could not be had.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The registry refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The name with the digest is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The store failed, or has lost a part of the image.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<content::ContentError> for PushError {
    fn from(error: content::ContentError) -> Self {
        Self::Store(error.into())
    }
}

impl Images {
    /// The tags of a repository that the store has, in the order of their text.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn tags_of(&self, name: &Reference) -> Result<Vec<Reference>, StoreError> {
        let mut names = self.names.names(Some(&self.namespace))?;
        names.retain(|one| one.reference.name() == name.name() && one.reference.digest().is_none());
        Ok(names.into_iter().map(|one| one.reference).collect())
    }

    /// Pushes the image of that name to the registry of that name.
    ///
    /// # Errors
    /// When there is none, a part of it is lost, or the registry cannot be reached or refuses. What was uploaded until
    /// then stays there, and is not sent again.
    pub fn push(
        &self,
        reference: &Reference,
        options: &PushOptions<'_>,
        progress: &dyn PushProgress,
    ) -> Result<Pushed, PushError> {
        if reference.digest().is_some() {
            return Err(PushError::Digest);
        }
        let ingest = self.begin()?;
        let image = self.held(&ingest, reference, options.platform)?;
        let bytes = self.content.read(&image.manifest, document::DOCUMENT_MAX)?;
        let manifest = document::manifest(&self.content, &image.manifest)?;
        let mut session = Session::open(options.config, reference, Purpose::Push)?;
        session.greet()?;
        self.upload_layers(&mut session, reference, &image, &manifest, options.at_once, progress)?;
        session.uploads(&[self.job(&manifest.config, Vec::new())?], 1, &|_, _| ControlFlow::Continue(()))?;
        let target = ManifestTarget::Tag(reference.tag().unwrap_or(ids::DEFAULT_TAG).to_owned());
        let digest = session.put_manifest(&target, &bytes, type_of(&manifest))?;
        let pinned = Reference::parse(&format!("{}@{digest}", reference.name()))?;
        let (namespace, id, target) = (self.namespace.clone(), image.id, image.manifest);
        let name = NameRecord { namespace, reference: pinned, id, target };
        self.names.apply(&[Change::PutName(name)]).map_err(StoreError::from)?;
        Ok(Pushed { digest, size: bytes.len() as u64 })
    }

    /// The image, kept from sweeps with all its parts.
    fn held(
        &self,
        ingest: &Ingest,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Image, PushError> {
        let _guard = self.content.guard_shared()?;
        let image = self.get(reference.as_str()).map_err(|error| match error {
            GetError::NotFound { .. } => PushError::NotFound { name: reference.familiar() },
            other => other.into(),
        })?;
        if let Some(wanted) = platform
            && rank(wanted, &image.platform()).is_none()
        {
            return Err(PushError::Platform {
                name: reference.familiar(),
                actual: platform_text(&image.platform()),
                wanted: platform_text(wanted),
            });
        }
        let manifest = document::manifest(&self.content, &image.manifest)?;
        let layers = manifest.layers.iter().map(|layer| &layer.digest);
        for digest in layers.chain([&image.manifest, &manifest.config.digest]) {
            ingest.lease.keep_blob(digest)?;
        }
        Ok(image)
    }

    fn upload_layers(
        &self,
        session: &mut Session,
        reference: &Reference,
        image: &Image,
        manifest: &Manifest,
        at_once: usize,
        progress: &dyn PushProgress,
    ) -> Result<(), PushError> {
        let mut jobs = Vec::new();
        let mut shown = Vec::new();
        let mut seen = HashSet::new();
        for (packed, layer) in manifest.layers.iter().zip(&image.layers) {
            if seen.insert(&packed.digest) {
                let neighbours = self.neighbours(reference, &packed.digest)?;
                jobs.push(self.job(packed, neighbours)?);
                shown.push(&layer.diff_id);
                progress.layer(&layer.diff_id, PushStep::Preparing);
            }
        }
        let told = |at: usize, event: UploadEvent| {
            progress.layer(shown[at], step_of(&jobs[at], event));
            ControlFlow::Continue(())
        };
        Ok(session.uploads(&jobs, at_once, &told)?)
    }

    fn job(&self, blob: &Descriptor, neighbours: Vec<String>) -> Result<UploadJob, PushError> {
        let file = Arc::new(self.content.open_blob(&blob.digest)?);
        Ok(UploadJob { digest: blob.digest.clone(), size: blob.size, file, neighbours })
    }

    /// Other repositories of the registry that hold a blob, since an image with it was pulled from or pushed to them.
    fn neighbours(&self, reference: &Reference, blob: &Digest) -> Result<Vec<String>, StoreError> {
        let mut found = BTreeSet::new();
        for name in self.names.names(Some(&self.namespace))? {
            let other = &name.reference;
            let is_neighbour = other.digest().is_some()
                && other.registry() == reference.registry()
                && other.repository() != reference.repository();
            if is_neighbour
                && found.len() < NEIGHBOURS_MAX
                && document::manifest(&self.content, &name.target)
                    .is_ok_and(|manifest| manifest.layers.iter().any(|layer| layer.digest == *blob))
            {
                found.insert(other.repository().to_owned());
            }
        }
        Ok(found.into_iter().collect())
    }
}

/// The type under which a manifest is sent: its own, or the one that its configuration is of.
fn type_of(manifest: &Manifest) -> &str {
    match manifest.media_type.as_deref() {
        Some(own) if !own.is_empty() => own,
        _ if manifest.config.media_type == media_type::DOCKER_CONFIG => media_type::DOCKER_MANIFEST,
        _ => media_type::OCI_MANIFEST,
    }
}

fn step_of(job: &UploadJob, event: UploadEvent) -> PushStep {
    match event {
        UploadEvent::Bytes(bytes) => PushStep::Pushing { bytes, total: job.size },
        UploadEvent::Retry { after, reason } => PushStep::Retrying { after_seconds: after.as_secs(), reason },
        UploadEvent::Exists => PushStep::Exists,
        UploadEvent::Mounted { from } => PushStep::Mounted { from },
        UploadEvent::Done => PushStep::Pushed,
    }
}
