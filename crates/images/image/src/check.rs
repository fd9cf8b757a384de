//! Whether every byte of the store is accounted for, and mending.

use crate::error::StoreError;
use crate::images::Images;
use crate::list::is_damage;
use crate::{chain, document};
use content::{BlobInfo, ContentError, Digester};
use ids::Digest;
use snapshot::LayerKey;
use std::io::Read;
use std::path::PathBuf;

/// What nothing points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Orphan {
    /// A blob.
    Blob(BlobInfo),
    /// An unpacked layer.
    Layer(LayerKey),
    /// What a killed process left unfinished, or in the trash.
    Leftover(PathBuf),
}

/// What an image needs and is not there, or is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The image's id.
    pub image: Digest,
    /// The blob.
    pub blob: Digest,
    /// `is missing`, `is damaged: …`.
    pub problem: String,
}

/// The findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What nothing points at: repaired by deleting.
    pub orphans: Vec<Orphan>,
    /// What is lost: repaired by pulling or loading the image again.
    pub missing: Vec<Missing>,
}

impl Images {
    /// Looks at everything, changes nothing. With `deep`, every blob is read and hashed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check(&self, deep: bool) -> Result<CheckReport, StoreError> {
        let mut report = CheckReport::default();
        {
            let _guard = self.content.guard_exclusive()?;
            let marked = self.mark()?;
            let blobs = self.content.list()?;
            report.orphans.extend(
                blobs.into_iter().filter(|blob| !marked.blobs.contains(&blob.digest)).map(Orphan::Blob),
            );
            let layers = self.snapshots.layers()?;
            report
                .orphans
                .extend(layers.into_iter().filter(|key| !marked.layers.contains(key)).map(Orphan::Layer));
        }
        let leftovers = self.content.leftovers()?.into_iter().chain(self.snapshots.leftovers()?);
        report.orphans.extend(leftovers.map(Orphan::Leftover));
        let mut images: Vec<_> =
            self.names.images(None)?.into_iter().map(|one| (one.id, one.target)).collect();
        images.extend(self.names.names(None)?.into_iter().map(|one| (one.id, one.target)));
        images.sort();
        images.dedup();
        for (id, target) in images {
            self.check_image(&id, &target, deep, &mut report.missing)?;
        }
        Ok(report)
    }

    fn check_image(
        &self,
        id: &Digest,
        target: &Digest,
        deep: bool,
        missing: &mut Vec<Missing>,
    ) -> Result<(), StoreError> {
        let mut note = |blob: &Digest, problem: String| {
            missing.push(Missing { image: id.clone(), blob: blob.clone(), problem });
        };
        match document::manifest(&self.content, target) {
            Ok(manifest) => {
                for layer in &manifest.layers {
                    match self.content.size(&layer.digest)? {
                        None => note(&layer.digest, "is missing".into()),
                        Some(size) if size != layer.size => {
                            note(
                                &layer.digest,
                                format!("is damaged: {size} bytes instead of {}", layer.size),
                            );
                        }
                        Some(_) if deep && self.hash_of(&layer.digest)? != layer.digest => {
                            note(&layer.digest, "is damaged: its digest is another".into());
                        }
                        Some(_) => {}
                    }
                }
            }
            Err(error) if is_damage(&error) => note(target, problem_of(&error)),
            Err(error) => return Err(error),
        }
        match document::config(&self.content, id) {
            Ok(config) => {
                for layer in chain::layers(&config.rootfs.diff_ids) {
                    if let Some(key) = self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)?
                        && let Err(error) = self.snapshots.layer(&key)
                    {
                        note(&layer.diff_id, format!("is damaged where it is unpacked: {error}"));
                    }
                }
            }
            Err(error) if is_damage(&error) => note(id, problem_of(&error)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn hash_of(&self, digest: &Digest) -> Result<Digest, StoreError> {
        let mut file = self.content.open_blob(digest)?;
        let mut digester = Digester::new(digest.algorithm());
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer).map_err(|source| ContentError::Io {
                action: "read",
                path: digest.as_str().into(),
                source,
            })?;
            if count == 0 {
                return Ok(digester.finish());
            }
            digester.update(&buffer[..count]);
        }
    }

    /// Deletes orphans and leftovers; how many, and how many bytes the blobs and layers among them had.
    ///
    /// # Errors
    /// When the store fails.
    pub fn repair(&self) -> Result<(usize, u64), StoreError> {
        let swept = self.sweep()?;
        // Last, since they are the sign by which `recover` knows that there is something to repair.
        let leftovers = self.content.sweep_leftovers()? + self.snapshots.sweep_leftovers()?;
        Ok((leftovers + swept.blobs.len() + swept.layers.len(), swept.bytes))
    }

    /// Repairs if an operation was killed, which a few directory reads tell: every operation that adds or removes holds
    /// a lease from its first step to its last. Whether there was something to repair. Operations of this store call it
    /// themselves; whoever changes containers may.
    ///
    /// # Errors
    /// When the store fails.
    pub fn recover(&self) -> Result<bool, StoreError> {
        let killed = !self.content.leftovers()?.is_empty() || !self.snapshots.leftovers()?.is_empty();
        if killed {
            self.repair()?;
        }
        Ok(killed)
    }
}

fn problem_of(error: &StoreError) -> String {
    match error {
        StoreError::Content(ContentError::Missing { .. }) => "is missing".into(),
        other => format!("is damaged: {other}"),
    }
}
