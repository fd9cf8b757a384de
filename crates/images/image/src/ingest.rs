//! Taking content in under a lease, and naming what it became.
//!
//! An operation makes one [`Ingest`]; whatever it stores is leased before it is published, so that no sweep takes it
//! before the image has its record. The lease ends with the `Ingest`, after [`Images::register`].

use crate::error::StoreError;
use crate::images::{Images, now};
use crate::model::Image;
use crate::{chain, document};
use content::{BlobWriter, Change, ContentError, ContentStore, ImageRecord, Lease, NameRecord, Stored};
use ids::{Digest, Reference};
use serde::Serialize;
use spec::image::{Descriptor, ImageConfig, Manifest, media_type};
use std::io::{self, Read, Write};

/// The blobs that one operation stores.
pub(crate) struct Ingest {
    content: ContentStore,
    pub(crate) lease: Lease,
}

/// Content could not be taken in: the source failed, or the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error(transparent)]
    Source(io::Error),
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Ingest {
    /// Leases a blob, and tells whether it is there with that size.
    pub(crate) fn claim(&self, digest: &Digest, size: u64) -> Result<bool, ContentError> {
        let _guard = self.content.guard_shared()?;
        self.lease.keep_blob(digest)?;
        Ok(self.content.size(digest)? == Some(size))
    }

    /// Publishes a blob under the lease.
    pub(crate) fn commit(&self, writer: BlobWriter) -> Result<Stored, ContentError> {
        self.lease.keep_blob(&writer.digest())?;
        writer.commit()
    }

    /// Stores everything that a source gives.
    pub(crate) fn copy(
        &self,
        source: &mut dyn Read,
        expected: Option<(&Digest, u64)>,
        max: u64,
    ) -> Result<Stored, CopyError> {
        let mut writer = self.content.writer(expected, max)?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(CopyError::Source(error)),
            };
            writer.write_all(&buffer[..count]).map_err(|error| match error.downcast::<ContentError>() {
                Ok(known) => known,
                Err(source) => ContentError::Io { action: "write", path: "content".into(), source },
            })?;
        }
        Ok(self.commit(writer)?)
    }

    /// Stores bytes at hand.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Stored, ContentError> {
        let (digest, size) = (content::Digester::of(bytes), bytes.len() as u64);
        if !self.claim(&digest, size)? {
            self.content.put(bytes)?;
        }
        Ok(Stored { digest, size })
    }

    /// Stores bytes at hand under a digest of any algorithm, which is verified.
    pub(crate) fn copy_bytes(&self, digest: &Digest, bytes: &[u8]) -> Result<Stored, ContentError> {
        let size = bytes.len() as u64;
        let mut writer = self.content.writer(Some((digest, size)), size)?;
        writer.write_all(bytes).map_err(|source| ContentError::Io {
            action: "write",
            path: digest.as_str().into(),
            source,
        })?;
        self.commit(writer)
    }

    /// Stores a document of our own making.
    pub(crate) fn put_document(
        &self,
        kind: &'static str,
        document: &impl Serialize,
    ) -> Result<Stored, StoreError> {
        let nothing = || content::Digester::of(b"");
        let bytes = serde_json::to_vec(document).map_err(|source| StoreError::Syntax {
            kind,
            digest: nothing(),
            source,
        })?;
        Ok(self.put(&bytes)?)
    }

    /// Stores a manifest of our own for layers at hand and a configuration that is stored already.
    pub(crate) fn put_manifest(
        &self,
        config: &Stored,
        layers: Vec<Descriptor>,
    ) -> Result<Stored, StoreError> {
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::OCI_MANIFEST.into()),
            artifact_type: None,
            config: descriptor(media_type::OCI_CONFIG, config),
            layers,
            subject: None,
            annotations: std::collections::BTreeMap::new(),
        };
        self.put_document("manifest", &manifest)
    }
}

/// A descriptor of something stored.
pub(crate) fn descriptor(media_type: &str, stored: &Stored) -> Descriptor {
    Descriptor {
        media_type: media_type.into(),
        digest: stored.digest.clone(),
        size: stored.size,
        urls: Vec::new(),
        annotations: std::collections::BTreeMap::new(),
        platform: None,
        artifact_type: None,
    }
}

/// An image whose blobs are all stored.
pub(crate) struct Assembled {
    pub(crate) image: Image,
    pub(crate) packed: Vec<Descriptor>,
}

impl Images {
    /// Begins an operation that adds, after repairing what a killed one left.
    pub(crate) fn begin(&self) -> Result<Ingest, StoreError> {
        self.recover()?;
        Ok(Ingest { content: self.content.clone(), lease: self.content.lease()? })
    }

    /// Runs an operation that adds. What a failed one stored in vain goes.
    pub(crate) fn ingesting<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Ingest) -> Result<T, E>,
    ) -> Result<T, E> {
        let ingest = self.begin()?;
        let result = work(&ingest);
        if result.is_err() {
            // The failure is what matters; what cannot be swept now, the next operation repairs.
            let _ = ingest.lease.clear().map_err(StoreError::from).and_then(|()| self.sweep());
        }
        result
    }

    /// Reads manifest and configuration back, and checks that they fit together.
    pub(crate) fn assemble(&self, manifest: &Digest) -> Result<Assembled, StoreError> {
        let document = document::manifest(&self.content, manifest)?;
        let config: ImageConfig = document::config(&self.content, &document.config.digest)?;
        document::check_pair(manifest, &document, &config)?;
        let layers = chain::layers(&config.rootfs.diff_ids);
        let image = Image { id: document.config.digest, manifest: manifest.clone(), config, layers };
        Ok(Assembled { image, packed: document.layers })
    }

    /// Makes the record of an image and its names, in one transaction. The names that meant another image before,
    /// with that image's id.
    pub(crate) fn register(
        &self,
        image: &Image,
        references: &[Reference],
    ) -> Result<Vec<(Reference, Digest)>, StoreError> {
        let namespace = &self.namespace;
        let mut replaced = Vec::new();
        let mut changes = vec![Change::PutImage(ImageRecord {
            namespace: namespace.clone(),
            id: image.id.clone(),
            target: image.manifest.clone(),
            added: now(),
        })];
        for reference in references {
            if let Some(before) = self.names.name(namespace, reference)?
                && before.id != image.id
            {
                replaced.push((reference.clone(), before.id));
            }
            changes.push(Change::PutName(NameRecord {
                namespace: namespace.clone(),
                reference: reference.clone(),
                id: image.id.clone(),
                target: image.manifest.clone(),
            }));
        }
        self.names.apply(&changes)?;
        Ok(replaced)
    }
}
