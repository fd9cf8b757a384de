//! An image upon another: one more layer, and what to run.

use crate::changes;
use crate::images::Images;
use crate::import::ImportError;
use crate::ingest::{CopyError, Ingest, descriptor};
use crate::model::Image;
use crate::progress::Silent;
use content::Digester;
use ids::Reference;
use spec::image::{ExecutionConfig, History, ImageConfig, media_type};
use std::io::Read;

/// What the new image says besides its layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CommitOptions {
    /// How to run it.
    pub config: ExecutionConfig,
    /// Dockerfile instructions that are applied to that.
    pub changes: Vec<String>,
    /// Who made it.
    pub author: Option<String>,
    /// The comment of its history.
    pub message: Option<String>,
    /// The command that made it, for its history.
    pub created_by: String,
}

impl Images {
    /// Stores `layer`, an uncompressed tar archive with whiteouts (image-spec layer.md), upon `parent` as a new image,
    /// and names it if a name is given. A layer without entries adds a step to the history and no layer.
    ///
    /// # Errors
    /// When the layer is bad, an instruction cannot be applied or the parent is not whole; then nothing is left.
    pub fn commit(
        &self,
        parent: &Image,
        layer: &mut dyn Read,
        options: &CommitOptions,
        reference: Option<&Reference>,
    ) -> Result<Image, ImportError> {
        let mut config = options.config.clone();
        changes::apply(&mut config, &options.changes)?;
        self.ingesting(|ingest| {
            let (image, is_empty) = self.commit_layer(ingest, parent, layer, config, options)?;
            self.register(&image, reference.map_or(&[], std::slice::from_ref))?;
            if is_empty {
                // Its archive is of no use to anybody.
                ingest.lease.clear()?;
                self.sweep()?;
            }
            Ok(image)
        })
    }

    /// The image, and whether its layer is empty.
    fn commit_layer(
        &self,
        ingest: &Ingest,
        parent: &Image,
        layer: &mut dyn Read,
        config: ExecutionConfig,
        options: &CommitOptions,
    ) -> Result<(Image, bool), ImportError> {
        let below = self.assemble(&parent.manifest)?;
        for blob in &below.packed {
            ingest.claim(&blob.digest, blob.size)?;
        }
        let stored = ingest.copy(layer, None, self.limits.unpacked_bytes).map_err(|error| match error {
            CopyError::Source(source) => ImportError::Source(source),
            CopyError::Content(error) => error.into(),
        })?;
        // Two blocks of zeroes: an archive of nothing.
        let is_empty = stored.digest == Digester::of(&[0; 1024]);
        let created = Some(jiff::Timestamp::now().to_string());
        let step = History {
            created: created.clone(),
            created_by: Some(options.created_by.clone()),
            author: options.author.clone(),
            comment: options.message.clone(),
            empty_layer: is_empty,
        };
        let ImageConfig { mut rootfs, mut history, .. } = parent.config.clone();
        history.push(step);
        let mut layers = below.packed;
        if !is_empty {
            // It is not compressed: its own digest is that of the tar.
            rootfs.diff_ids.push(stored.digest.clone());
            layers.push(descriptor(media_type::OCI_LAYER, &stored));
        }
        let author = options.author.clone();
        let document = ImageConfig { created, author, config, rootfs, history, ..parent.config.clone() };
        let config = ingest.put_document("image configuration", &document)?;
        let manifest = ingest.put_manifest(&config, layers)?;
        let assembled = self.assemble(&manifest.digest)?;
        self.unpack_layers(ingest, &assembled, &Silent)?;
        Ok((assembled.image, is_empty))
    }
}
