//! Unpacking the layers of an image: two at a time, each verified against its diff-id, published together.

use crate::apply::ApplyError;
use crate::error::StoreError;
use crate::images::Images;
use crate::ingest::{Assembled, Ingest};
use crate::model::{Image, ImageLayer};
use crate::progress::{Progress, Step};
use content::{ContentError, Tail};
use ids::Digest;
use snapshot::{Durability, LayerKey, LayerMeta, PendingLayer, SnapshotError, SnapshotKey};
use spec::image::Descriptor;
use spec::rootfs::Rootfs;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

/// How many layers are unpacked at once: each keeps two threads busy.
const WORKERS: usize = 2;

/// A layer could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It could not be read, or is compressed in a way we do not know, or too large.
    #[error("cannot read the layer {layer}")]
    Read {
        /// The layer's blob.
        layer: Digest,
        /// Why not.
        source: io::Error,
    },
    /// Its archive is bad, or the file system refused.
    #[error("cannot unpack the layer {layer}")]
    Apply {
        /// The layer's blob.
        layer: Digest,
        /// Why not.
        source: ApplyError,
    },
    /// It is not what the image's configuration says.
    #[error("the layer {layer} unpacks to {actual}, but the image's configuration promises {expected}")]
    DiffId {
        /// The layer's blob.
        layer: Digest,
        /// What the configuration says.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
    /// Its transfer ended before all of it was there; why is told where it was transferred.
    #[error("the transfer of the layer {layer} ended early")]
    Transfer {
        /// The layer's blob.
        layer: Digest,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ContentError> for UnpackError {
    fn from(error: ContentError) -> Self {
        Self::Store(error.into())
    }
}

impl UnpackError {
    /// Whether the disk is full.
    fn is_for_want_of_space(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
            if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl From<SnapshotError> for UnpackError {
    fn from(error: SnapshotError) -> Self {
        Self::Store(error.into())
    }
}

/// One layer to unpack.
pub(crate) struct Job<'a> {
    pub(crate) packed: &'a Descriptor,
    pub(crate) layer: &'a ImageLayer,
}

/// A layer's blob that is there, or begins to come.
pub(crate) struct Arrival {
    /// Which job it is for.
    pub(crate) job: usize,
    /// Where its bytes come from while it is not stored.
    pub(crate) tail: Option<Tail>,
}

/// Layers that are filled and wait to be published together, since publishing syncs the file system. Not too many,
/// since each holds two descriptors.
const BATCH: usize = 16;

impl Images {
    /// Makes sure that all layers of an image are unpacked.
    ///
    /// # Errors
    /// When a blob is missing or bad, or the store fails; layers that were unpacked stay for another try.
    pub fn unpack(&self, image: &Image, progress: &dyn Progress) -> Result<(), UnpackError> {
        let ingest = self.begin()?;
        let assembled = self.assemble(&image.manifest)?;
        self.unpack_layers(&ingest, &assembled, progress)
    }

    /// A writable file system upon an image. What is missing of its layers is unpacked first. When this returns, the
    /// layers stay until [`snapshot::Snapshotter::remove`], whatever happens to the image.
    ///
    /// # Errors
    /// When a layer cannot be unpacked, there is a file system of that key, or the store fails.
    pub fn prepare(
        &self,
        image: &Image,
        key: &SnapshotKey,
        durability: Durability,
    ) -> Result<Rootfs, UnpackError> {
        self.with_layers(image, |keys| self.snapshots.prepare(key, keys, durability))
    }

    /// A read-only file system upon an image. It must not be used longer than something else keeps the image.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn view(&self, image: &Image) -> Result<Rootfs, UnpackError> {
        self.with_layers(image, |keys| self.snapshots.view(keys))
    }

    fn with_layers<T>(
        &self,
        image: &Image,
        then: impl Fn(&[LayerKey]) -> Result<T, SnapshotError>,
    ) -> Result<T, UnpackError> {
        let attempt = || -> Result<Option<T>, UnpackError> {
            let _guard = self.content.guard_shared()?;
            match self.keys(&image.layers)? {
                Some(keys) => Ok(Some(then(&keys)?)),
                None => Ok(None),
            }
        };
        loop {
            if let Some(done) = attempt()? {
                return Ok(done);
            }
            self.unpack(image, &crate::progress::Silent)?;
        }
    }

    /// The keys of the layers, base first; `None` when one is not unpacked.
    pub(crate) fn keys(&self, layers: &[ImageLayer]) -> Result<Option<Vec<LayerKey>>, SnapshotError> {
        layers.iter().map(|layer| self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)).collect()
    }

    pub(crate) fn unpack_layers(
        &self,
        ingest: &Ingest,
        assembled: &Assembled,
        progress: &dyn Progress,
    ) -> Result<(), UnpackError> {
        let jobs = self.jobs(ingest, assembled, progress)?;
        let (sender, arrivals) = std::sync::mpsc::channel();
        for at in 0..jobs.len() {
            // The receiver is in our hands.
            let _ = sender.send(Arrival { job: at, tail: None });
        }
        drop(sender);
        self.unpack_arrivals(&jobs, arrivals, &AtomicBool::new(false), progress)?;
        self.unpack_rest(assembled, progress)?;
        for job in &jobs {
            progress.layer(&job.packed.digest, Step::Done);
        }
        Ok(())
    }

    /// What is not unpacked yet, each layer once; all layers are leased.
    pub(crate) fn jobs<'a>(
        &self,
        ingest: &Ingest,
        assembled: &'a Assembled,
        progress: &dyn Progress,
    ) -> Result<Vec<Job<'a>>, UnpackError> {
        let _guard = self.content.guard_shared()?;
        let mut jobs = Vec::new();
        let mut seen = HashSet::new();
        for (packed, layer) in assembled.packed.iter().zip(&assembled.image.layers) {
            for key in self.snapshots.layer_keys(&layer.diff_id, &layer.chain_id) {
                ingest.lease.keep_layer(key.as_str())?;
            }
            if self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)?.is_some() {
                progress.layer(&packed.digest, Step::Exists);
            } else if seen.insert(&layer.diff_id) {
                jobs.push(Job { packed, layer });
            }
        }
        Ok(jobs)
    }

    /// Unpacks blobs as they arrive, until the channel closes or something fails (which `failed` tells the sender).
    /// Layers that lean on those below them are left out.
    pub(crate) fn unpack_arrivals(
        &self,
        jobs: &[Job<'_>],
        arrivals: Receiver<Arrival>,
        failed: &AtomicBool,
        progress: &dyn Progress,
    ) -> Result<(), UnpackError> {
        let arrivals = Mutex::new(arrivals);
        let ready: Mutex<Vec<(PendingLayer, LayerMeta)>> = Mutex::default();
        let first_error: Mutex<Option<UnpackError>> = Mutex::default();
        let take = || lock(&arrivals).recv().ok();
        let work = || {
            while let (false, Some(arrival)) = (failed.load(Ordering::Relaxed), take()) {
                if let Err(error) = self.unpack_arrival(jobs, arrival, &ready, progress) {
                    failed.store(true, Ordering::Relaxed);
                    lock(&first_error).get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..WORKERS {
                scope.spawn(work);
            }
            work();
        });
        match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => {
                self.snapshots.commit(ready.into_inner().unwrap_or_else(PoisonError::into_inner))?;
                Ok(())
            }
        }
    }

    fn unpack_arrival(
        &self,
        jobs: &[Job<'_>],
        arrival: Arrival,
        ready: &Mutex<Vec<(PendingLayer, LayerMeta)>>,
        progress: &dyn Progress,
    ) -> Result<(), UnpackError> {
        let Some(job) = jobs.get(arrival.job) else { return Ok(()) };
        let follower = arrival.tail.as_ref().map(Tail::again);
        let mut unpacked = self.unpack_alone(job, arrival.tail, progress);
        if let Some(tail) = follower {
            // Before its digest is known, whatever is wrong with a layer may be the fault of who sent it.
            if !unpacked.as_ref().is_err_and(UnpackError::is_for_want_of_space) && !tail.wait() {
                return Err(UnpackError::Transfer { layer: job.packed.digest.clone() });
            }
            if unpacked.is_err() && tail.was_restarted() {
                unpacked = self.unpack_alone(job, None, progress);
            }
            let total = job.packed.size;
            progress.layer(&job.packed.digest, Step::Extracting { bytes: total, total });
        }
        let Some(unpacked) = unpacked? else { return Ok(()) };
        let batch = {
            let mut ready = lock(ready);
            ready.push(unpacked);
            if ready.len() < BATCH { Vec::new() } else { std::mem::take(&mut *ready) }
        };
        self.snapshots.commit(batch)?;
        Ok(())
    }

    /// Unpacks what leans on layers below, in order, since one may lean on another.
    pub(crate) fn unpack_rest(
        &self,
        assembled: &Assembled,
        progress: &dyn Progress,
    ) -> Result<(), UnpackError> {
        for (packed, layer) in assembled.packed.iter().zip(&assembled.image.layers) {
            if self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)?.is_none() {
                self.unpack_leaning(&Job { packed, layer }, &assembled.image, progress)?;
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
