//! One layer: from its blob into its directory, streamed and verified.

use crate::apply::{Applied, ApplyError};
use crate::compression::{self, Compression};
use crate::error::StoreError;
use crate::images::Images;
use crate::model::{Image, ImageLayer};
use crate::progress::{Progress, Step};
use crate::stream::{Packed, with_unpacked};
use crate::unpack::{Job, UnpackError};
use content::{Stored, Tail};
use ids::{Algorithm, Digest};
use snapshot::{LayerMeta, PendingLayer, SnapshotError};
use spec::image::media_type;
use std::io::{self, Read};

/// How often progress is told, in packed bytes.
const TELL_EVERY: u64 = 1 << 20;

impl Images {
    /// Unpacks a layer without those below, from the store or while it still comes; `None` when it leans on them
    /// (implied directories, hard links).
    pub(crate) fn unpack_alone(
        &self,
        job: &Job<'_>,
        tail: Option<Tail>,
        progress: &dyn Progress,
    ) -> Result<Option<(PendingLayer, LayerMeta)>, UnpackError> {
        let pending = self.snapshots.prepare_layer()?;
        let applied = self.stream_verified(job, tail, &pending, progress)?;
        if job.layer.chain_id == job.layer.diff_id {
            applied.check_base().map_err(|source| apply_failed(&job.packed.digest, source))?;
        } else if applied.leans_on_parents() {
            return Ok(None);
        }
        let meta = meta_of(job.layer, &pending, &applied)?;
        Ok(Some((pending, meta)))
    }

    pub(crate) fn unpack_leaning(
        &self,
        job: &Job<'_>,
        image: &Image,
        progress: &dyn Progress,
    ) -> Result<(), UnpackError> {
        let below = image.layers.iter().take_while(|layer| layer.chain_id != job.layer.chain_id);
        let below: Vec<ImageLayer> = below.cloned().collect();
        let parents = self.keys(&below)?.ok_or_else(|| {
            let problem = "lost a layer that another one leans on while it was being unpacked".to_owned();
            StoreError::Invalid { kind: "image", digest: image.id.clone(), problem }
        })?;
        let pending = self.snapshots.prepare_layer_over(&parents)?;
        let applied = self.stream_verified(job, None, &pending, progress)?;
        let meta = meta_of(job.layer, &pending, &applied)?;
        let meta = LayerMeta { chain_id: Some(job.layer.chain_id.clone()), ..meta };
        self.snapshots.commit(vec![(pending, meta)])?;
        Ok(())
    }

    /// Unpacks the only layer of an image whose configuration is still to be written; its diff-id is in the record.
    pub(crate) fn unpack_single(
        &self,
        packed: &Stored,
        progress: &dyn Progress,
    ) -> Result<(PendingLayer, LayerMeta), UnpackError> {
        let pending = self.snapshots.prepare_layer()?;
        let (applied, diff_id) = self.stream_into(packed, None, Algorithm::Sha256, &pending, progress)?;
        applied.check_base().map_err(|source| apply_failed(&packed.digest, source))?;
        let layer = ImageLayer { chain_id: diff_id.clone(), diff_id };
        let meta = meta_of(&layer, &pending, &applied)?;
        Ok((pending, meta))
    }

    /// The media type of a layer that is stored, by its first bytes.
    pub(crate) fn layer_type(&self, stored: &Stored) -> Result<&'static str, UnpackError> {
        let failed = |source| UnpackError::Read { layer: stored.digest.clone(), source };
        let file = self.content.open_blob(&stored.digest)?;
        let (compression, _) = compression::peek(file).map_err(failed)?;
        Ok(match compression.map_err(io::Error::other).map_err(failed)? {
            Compression::Plain => media_type::OCI_LAYER,
            Compression::Gzip => media_type::OCI_LAYER_GZIP,
            Compression::Zstd => media_type::OCI_LAYER_ZSTD,
        })
    }

    fn stream_verified(
        &self,
        job: &Job<'_>,
        tail: Option<Tail>,
        pending: &PendingLayer,
        progress: &dyn Progress,
    ) -> Result<Applied, UnpackError> {
        let expected = &job.layer.diff_id;
        let packed = Stored { digest: job.packed.digest.clone(), size: job.packed.size };
        let (applied, actual) = self.stream_into(&packed, tail, expected.algorithm(), pending, progress)?;
        if actual == *expected {
            return Ok(applied);
        }
        Err(UnpackError::DiffId { layer: packed.digest, expected: expected.clone(), actual })
    }

    /// Streams a layer into its directory; its diff-id with the rest.
    fn stream_into(
        &self,
        packed: &Stored,
        tail: Option<Tail>,
        algorithm: Algorithm,
        pending: &PendingLayer,
        progress: &dyn Progress,
    ) -> Result<(Applied, Digest), UnpackError> {
        let blob = &packed.digest;
        let failed = |source| UnpackError::Read { layer: blob.clone(), source };
        // What is stored unpacked was hashed when it was stored; what still comes was not.
        let known = tail.is_none().then(|| blob.clone());
        let quiet = tail.as_ref().map(Tail::again);
        let source: Box<dyn Read + Send> = match tail {
            Some(tail) => Box::new(tail),
            None => Box::new(self.content.open_blob(blob)?),
        };
        let told = Told { source, quiet, progress, blob, total: packed.size, passed: 0, told: 0 };
        let (compression, source) = compression::peek(told).map_err(failed)?;
        let compression: Compression = compression.map_err(io::Error::other).map_err(failed)?;
        let limit = self.limits.unpacked_bytes;
        let packed = Packed { source, compression, size: packed.size, digest: known, algorithm, limit };
        let (applied, actual) =
            with_unpacked(packed, |stream| self.apply(stream, pending)).map_err(failed)?;
        Ok((applied.map_err(|source| apply_failed(blob, source))?, actual))
    }
}

fn apply_failed(blob: &Digest, source: ApplyError) -> UnpackError {
    UnpackError::Apply { layer: blob.clone(), source }
}

fn meta_of(
    layer: &ImageLayer,
    pending: &PendingLayer,
    applied: &Applied,
) -> Result<LayerMeta, SnapshotError> {
    // A base that implies directories has them with default attributes, which would be wrong above another layer:
    // it must not be found by its own digest there.
    let chain_id = applied.leans_on_parents().then(|| layer.chain_id.clone());
    let size = pending.usage()?.bytes;
    Ok(LayerMeta { diff_id: layer.diff_id.clone(), chain_id, size, entries: applied.entries })
}

/// A source that tells how far it is.
struct Told<'a, R> {
    source: R,
    /// As long as this one is not complete, people are told of its transfer instead.
    quiet: Option<Tail>,
    progress: &'a dyn Progress,
    blob: &'a Digest,
    total: u64,
    passed: u64,
    told: u64,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.passed += count as u64;
        let due = self.passed >= self.told + TELL_EVERY || (count > 0 && self.passed == self.total);
        if due && self.quiet.as_ref().is_none_or(Tail::is_verified) {
            self.told = self.passed;
            self.progress.layer(self.blob, Step::Extracting { bytes: self.passed, total: self.total });
        }
        Ok(count)
    }
}
