//! Pulling an image: the registry's manifest, then layers that are unpacked while others are still on their way.

use crate::document::{self, Document};
use crate::error::StoreError;
use crate::get::{GetError, stored_form};
use crate::images::Images;
use crate::ingest::{Assembled, Ingest};
use crate::model::{Image, platform_text};
use crate::platform::{choose, host_platform, offered, rank};
use crate::progress::{Progress, Step};
use crate::unpack::{Arrival, UnpackError};
use content::{BlobWriter, Claimed, ContentError, Tail};
use distribution::{BlobEvent, BlobJob, Config, Fetched, ManifestTarget, Purpose, RegistryError, Session};
use ids::{Digest, Reference, ReferenceError};
use spec::image::{Descriptor, Manifest, Platform};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// How deep indexes may nest.
const NESTING_MAX: u32 = 3;

/// When to ask the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    /// Always; what is there already is not transferred again.
    Always,
    /// Only when the store has no image of that name for that platform.
    Missing,
}

/// How to pull.
#[derive(Debug, Clone, Copy)]
pub struct PullOptions<'a> {
    /// What it shall run on; this machine when absent.
    pub platform: Option<&'a Platform>,
    /// When to ask the registry.
    pub policy: PullPolicy,
    /// How registries are spoken to.
    pub config: &'a Config,
    /// How many layers are transferred at once (Docker's `max-concurrent-downloads`, 3).
    pub at_once: usize,
}

/// What a pull did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullStatus {
    /// The name means an image that it did not mean before.
    Downloaded,
    /// The name means what it meant before.
    UpToDate,
}

/// An image that was pulled.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    /// The image.
    pub image: Image,
    /// The digest that the registry answered for the name (of the index, if there is one); absent when it was not
    /// asked.
    pub digest: Option<Digest>,
    /// What happened.
    pub status: PullStatus,
}

/// An image could not be pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The registry could not give it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// There is none for the platform.
    #[error("no matching manifest for {wanted} in the manifest list of {reference}; it has: {}", offered.join(", "))]
    Platform {
        /// What was to be pulled.
        reference: String,
        /// What was wanted.
        wanted: String,
        /// What there is.
        offered: Vec<String>,
    },
    /// The only one is for another platform than the one asked for.
    #[error(
        "image with reference {reference} was found but does not match the specified platform: wanted {wanted}, actual: {actual}"
    )]
    OtherPlatform {
        /// What was to be pulled.
        reference: String,
        /// What was wanted.
        wanted: String,
        /// What it is for.
        actual: String,
    },
    /// Indexes lead to indexes.
    #[error("{reference} leads through more than {limit} indexes")]
    Nesting {
        /// What was to be pulled.
        reference: String,
        /// How many at most.
        limit: u32,
    },
    /// A layer could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The image in the store could not be looked up.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The name with the digest is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The store failed, or a document is not what it must be.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ContentError> for PullError {
    fn from(error: ContentError) -> Self {
        Self::Store(error.into())
    }
}

impl Images {
    /// Pulls an image, unpacks it and names it. A name with a tag and a digest is pulled by its digest.
    ///
    /// # Errors
    /// When the registry cannot be reached, refuses or lies, or the store fails; then nothing of it is left.
    pub fn pull(
        &self,
        reference: &Reference,
        options: &PullOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<Pulled, PullError> {
        if options.policy == PullPolicy::Missing
            && let Some(image) = self.present(reference, options.platform)?
        {
            return Ok(Pulled { image, digest: None, status: PullStatus::UpToDate });
        }
        self.ingesting(|ingest| self.pull_leased(ingest, reference, options, progress))
    }

    /// The image that the name means, if it serves the platform.
    fn present(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Option<Image>, PullError> {
        match self.get(reference.as_str()) {
            Ok(image) if platform.is_none_or(|wanted| rank(wanted, &image.platform()).is_some()) => {
                Ok(Some(image))
            }
            Ok(_) | Err(GetError::NotFound { .. }) => Ok(None),
            Err(GetError::Store(error)) if crate::list::is_damage(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn pull_leased(
        &self,
        ingest: &Ingest,
        reference: &Reference,
        options: &PullOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<Pulled, PullError> {
        let mut session = Session::open(options.config, reference, Purpose::Pull)?;
        let target = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => ManifestTarget::Digest(digest.clone()),
            (None, tag) => ManifestTarget::Tag(tag.unwrap_or(ids::DEFAULT_TAG).to_owned()),
        };
        let top = session.manifest(&target)?;
        let (manifest_digest, manifest) =
            self.resolve_platform(ingest, &mut session, &top, reference, options)?;
        self.fetch_config(ingest, &mut session, &manifest)?;
        let assembled = self.assemble(&manifest_digest)?;
        if let Some(wanted) = options.platform
            && rank(wanted, &assembled.image.platform()).is_none()
        {
            return Err(PullError::OtherPlatform {
                reference: reference.familiar(),
                wanted: platform_text(wanted),
                actual: platform_text(&assembled.image.platform()),
            });
        }
        self.fetch_layers(ingest, &mut session, &assembled, options, progress)?;
        self.unpack_rest(&assembled, progress)?;
        for packed in &assembled.packed {
            progress.layer(&packed.digest, Step::Done);
        }
        let pinned = Reference::parse(&format!("{}@{}", reference.name(), top.digest))?;
        let mut names = vec![pinned];
        if reference.digest().is_none() {
            names.push(reference.clone());
        }
        let before = self.names.name(&self.namespace, &stored_form(reference)?).map_err(StoreError::from)?;
        let status = match before {
            Some(before) if before.id == assembled.image.id => PullStatus::UpToDate,
            _ => PullStatus::Downloaded,
        };
        self.register(&assembled.image, &names)?;
        Ok(Pulled { image: assembled.image, digest: Some(top.digest), status })
    }

    /// Follows indexes to the manifest for the platform, and stores each document on the way as received.
    fn resolve_platform(
        &self,
        ingest: &Ingest,
        session: &mut Session,
        top: &Fetched,
        reference: &Reference,
        options: &PullOptions<'_>,
    ) -> Result<(Digest, Manifest), PullError> {
        let wanted = options.platform.cloned().unwrap_or_else(host_platform);
        let mut fetched = top.clone();
        for _ in 0..=NESTING_MAX {
            let document = document::manifest_or_index(&fetched.digest, &fetched.bytes)?;
            if !ingest.claim(&fetched.digest, fetched.bytes.len() as u64)? {
                ingest.copy_bytes(&fetched.digest, &fetched.bytes)?;
            }
            let index = match document {
                Document::Manifest(manifest) => return Ok((fetched.digest, *manifest)),
                Document::Index(index) => index,
            };
            let chosen = choose(&wanted, &index.manifests).ok_or_else(|| PullError::Platform {
                reference: reference.familiar(),
                wanted: platform_text(&wanted),
                offered: offered(&index.manifests),
            })?;
            fetched = session.manifest(&ManifestTarget::Digest(chosen.digest.clone()))?;
        }
        Err(PullError::Nesting { reference: reference.familiar(), limit: NESTING_MAX })
    }

    fn fetch_config(
        &self,
        ingest: &Ingest,
        session: &mut Session,
        manifest: &Manifest,
    ) -> Result<(), PullError> {
        let Descriptor { digest, size, .. } = &manifest.config;
        if ingest.claim(digest, *size)? {
            return Ok(());
        }
        let mut complete = None;
        let job = BlobJob { digest: digest.clone(), size: *size };
        let open = |job: &BlobJob| {
            let writer = self.content.writer(Some((&job.digest, job.size)), document::DOCUMENT_MAX)?;
            Ok(Claimed::Ours(Box::new(writer)))
        };
        session.blobs(&[job], 1, &open, &|_, _| ControlFlow::Continue(()), &mut |_, writer| {
            complete = Some(writer);
            ControlFlow::Continue(())
        })?;
        if let Some(writer) = complete {
            ingest.commit(writer)?;
        }
        Ok(())
    }

    /// Transfers on this thread; unpacks what comes while it comes, and publishes what is complete, on others.
    fn fetch_layers(
        &self,
        ingest: &Ingest,
        session: &mut Session,
        assembled: &Assembled,
        options: &PullOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        for packed in &assembled.packed {
            progress.layer(&packed.digest, Step::Waiting);
        }
        let jobs = self.jobs(ingest, assembled, progress)?;
        let failed = AtomicBool::new(false);
        // Without a bound: a transfer that waited for an unpacking that waits for a transfer would wait for ever.
        let (sender, arrivals) = channel();
        let (committer, complete) = channel();
        std::thread::scope(|scope| {
            let unpacking = scope.spawn(|| self.unpack_arrivals(&jobs, arrivals, &failed, progress));
            let publishing = scope.spawn(|| publish(ingest, complete, &failed));
            let pipeline = Pipeline {
                images: self,
                ingest,
                assembled,
                job_of: jobs.iter().enumerate().map(|(at, job)| (&job.packed.digest, at)).collect(),
                sender,
                committer,
                failed: &failed,
                progress,
            };
            let transferred = pipeline.transfer(session, options.at_once);
            drop(pipeline);
            let published = publishing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let unpacked = unpacking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // What failed first made the others fail.
            match transferred {
                Ok(()) | Err(PullError::Registry(RegistryError::Stopped)) => {
                    published?;
                    Ok(unpacked?)
                }
                failed => failed,
            }
        })
    }
}

/// Publishes complete blobs one after the other, since each waits for the disk.
fn publish(ingest: &Ingest, complete: Receiver<BlobWriter>, failed: &AtomicBool) -> Result<(), ContentError> {
    for writer in complete {
        if let Err(error) = ingest.commit(writer) {
            failed.store(true, Ordering::Relaxed);
            return Err(error);
        }
    }
    Ok(())
}

/// The sending end of a pull: what is transferred, and to whom it goes.
struct Pipeline<'a> {
    images: &'a Images,
    ingest: &'a Ingest,
    assembled: &'a Assembled,
    /// What is to be unpacked, by blob; a blob that is not here is only kept.
    job_of: HashMap<&'a Digest, usize>,
    sender: Sender<Arrival>,
    committer: Sender<BlobWriter>,
    failed: &'a AtomicBool,
    progress: &'a dyn Progress,
}

impl Pipeline<'_> {
    /// Transfers what is missing, each blob once; what is there goes on at once.
    fn transfer(&self, session: &mut Session, at_once: usize) -> Result<(), PullError> {
        let mut missing = Vec::new();
        let mut seen = HashSet::new();
        for Descriptor { digest, size, .. } in &self.assembled.packed {
            if !seen.insert(digest) {
                continue;
            }
            if self.ingest.claim(digest, *size)? {
                self.arrived(digest, None);
            } else {
                missing.push(BlobJob { digest: digest.clone(), size: *size });
            }
        }
        let told = |blob: &Digest, event: BlobEvent| {
            self.progress.layer(blob, step_of(&missing, blob, event));
            self.go_on()
        };
        let transferred =
            session.blobs(&missing, at_once, &|job| self.open(job), &told, &mut |at, writer| {
                self.progress.layer(&missing[at].digest, Step::Downloaded);
                // Nobody takes it after a failure, which is told from there.
                let _ = self.committer.send(writer);
                self.go_on()
            });
        if transferred.as_ref().is_err_and(|error| !error.is_passing()) {
            // Nobody is likely to come back for it soon.
            for job in &missing {
                self.images.content.discard_partial(&job.digest)?;
            }
        }
        Ok(transferred?)
    }

    fn go_on(&self) -> ControlFlow<()> {
        if self.failed.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// A blob that is stored goes on, and one that is ours to transfer, from its first byte.
    fn open(&self, job: &BlobJob) -> Result<Claimed, ContentError> {
        let images = self.images;
        let mut claimed = images.content.claim_transfer(&job.digest, job.size, images.limits.blob_bytes)?;
        match &mut claimed {
            Claimed::Ours(writer) => {
                if let Some(tail) = writer.tail().filter(|_| self.job_of.contains_key(&job.digest)) {
                    self.arrived(&job.digest, Some(tail));
                }
            }
            Claimed::Stored => self.arrived(&job.digest, None),
            Claimed::Elsewhere => {}
        }
        Ok(claimed)
    }

    fn arrived(&self, blob: &Digest, tail: Option<Tail>) {
        // What is unpacked already was told to be there.
        if let Some(job) = self.job_of.get(blob) {
            if tail.is_none() {
                self.progress.layer(blob, Step::Downloaded);
            }
            // Nobody takes it after a failure, which is told from there.
            let _ = self.sender.send(Arrival { job: *job, tail });
        }
    }
}

fn step_of(missing: &[BlobJob], blob: &Digest, event: BlobEvent) -> Step {
    match event {
        BlobEvent::Bytes(bytes) => {
            let total = missing.iter().find(|job| job.digest == *blob).map_or(bytes, |job| job.size);
            Step::Downloading { bytes, total }
        }
        BlobEvent::Elsewhere => Step::Waiting,
        BlobEvent::Retry { after, reason } => Step::Retrying { after_seconds: after.as_secs(), reason },
    }
}
