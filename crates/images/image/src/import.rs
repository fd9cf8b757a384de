//! Making an image of a root file system's tar archive.

use crate::changes::{self, ChangeError};
use crate::compression;
use crate::compression::UnsupportedCompression;
use crate::error::StoreError;
use crate::images::Images;
use crate::ingest::{CopyError, Ingest, descriptor};
use crate::model::Image;
use crate::platform::host_platform;
use crate::progress::Progress;
use crate::unpack::UnpackError;
use content::{ContentError, Stored};
use ids::Reference;
use snapshot::{LayerMeta, PendingLayer};
use spec::image::{ExecutionConfig, History, ImageConfig, LayerList, Platform};
use std::io::{self, Read};

/// What the image shall be besides its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Dockerfile instructions (`--change`).
    pub changes: Vec<String>,
    /// The comment of its history (`--message`).
    pub message: Option<String>,
    /// What it runs on; this machine when absent.
    pub platform: Option<Platform>,
}

/// An archive could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The source failed.
    #[error("cannot read the archive")]
    Source(#[source] io::Error),
    /// It is compressed in a way we do not know.
    #[error("cannot read the archive")]
    Compression(#[from] UnsupportedCompression),
    /// An instruction cannot be applied.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The archive could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ContentError> for ImportError {
    fn from(error: ContentError) -> Self {
        Self::Store(error.into())
    }
}

impl Images {
    /// Stores the archive (plain, gzip or zstd) as an image of one layer, and names it if a name is given.
    ///
    /// # Errors
    /// When the archive is bad or an instruction cannot be applied; then nothing is left.
    pub fn import(
        &self,
        source: &mut dyn Read,
        reference: Option<&Reference>,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<Image, ImportError> {
        let mut config = ExecutionConfig::default();
        changes::apply(&mut config, &options.changes)?;
        self.ingesting(|ingest| {
            let image = self.import_layer(ingest, source, config, options, progress)?;
            self.register(&image, reference.map_or(&[], std::slice::from_ref))?;
            Ok(image)
        })
    }

    fn import_layer(
        &self,
        ingest: &Ingest,
        source: &mut dyn Read,
        config: ExecutionConfig,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<Image, ImportError> {
        let (compression, mut source) = compression::peek(source).map_err(ImportError::Source)?;
        compression?;
        let packed = ingest.copy(&mut source, None, self.limits.blob_bytes).map_err(|error| match error {
            CopyError::Source(source) => ImportError::Source(source),
            CopyError::Content(error) => error.into(),
        })?;
        let (pending, meta) = self.unpack_single(&packed, progress)?;
        let platform = options.platform.clone().unwrap_or_else(host_platform);
        let created = jiff::Timestamp::now().to_string();
        let document = ImageConfig {
            created: Some(created.clone()),
            author: None,
            architecture: platform.architecture,
            variant: platform.variant,
            os: platform.os,
            config,
            rootfs: LayerList { kind: "layers".into(), diff_ids: vec![meta.diff_id.clone()] },
            history: vec![History {
                created: Some(created),
                comment: Some(options.message.clone().unwrap_or_else(|| "Imported from -".into())),
                ..History::default()
            }],
        };
        self.store_single_layer(ingest, &document, &packed, (pending, meta))
    }

    /// Stores configuration and manifest of an image with one layer that is stored and unpacked, and publishes it.
    pub(crate) fn store_single_layer(
        &self,
        ingest: &Ingest,
        document: &ImageConfig,
        packed: &Stored,
        unpacked: (PendingLayer, LayerMeta),
    ) -> Result<Image, ImportError> {
        let config = ingest.put_document("image configuration", document)?;
        let layer = descriptor(self.layer_type(packed)?, packed);
        let manifest = ingest.put_manifest(&config, vec![layer])?;
        let assembled = self.assemble(&manifest.digest)?;
        for key in self.snapshots.layer_keys(&unpacked.1.diff_id, &unpacked.1.diff_id) {
            ingest.lease.keep_layer(key.as_str())?;
        }
        self.snapshots.commit(vec![unpacked]).map_err(StoreError::from)?;
        Ok(assembled.image)
    }
}
