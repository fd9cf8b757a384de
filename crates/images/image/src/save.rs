//! Images into an archive that every loader reads: an OCI layout with Docker's `manifest.json` beside it.
//!
//! Manifests, configurations and layers go in as they were received, so that a digest stays what it was. What is saved
//! is leased, so that nothing of it is swept meanwhile.

use crate::document;
use crate::error::StoreError;
use crate::get::GetError;
use crate::images::Images;
use crate::ingest::Ingest;
use crate::model::{Image, platform_text};
use archive::{Entry, Kind, TarWriter, WriteError};
use content::{ContentError, ReferenceStoreError};
use ids::{Digest, Reference};
use serde::Serialize;
use spec::image::{Descriptor, Index, Manifest, Platform, media_type};
use std::collections::BTreeSet;
use std::io::Write;

/// Images could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// One of them could not be had.
    #[error(transparent)]
    Get(#[from] GetError),
    /// It is there for another machine. The words are Docker's.
    #[error("image with reference {name} was found but does not provide the specified platform ({wanted})")]
    Platform {
        /// As typed.
        name: String,
        /// What was asked.
        wanted: String,
    },
    /// The archive could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ContentError> for SaveError {
    fn from(error: ContentError) -> Self {
        Self::Store(error.into())
    }
}

impl From<ReferenceStoreError> for SaveError {
    fn from(error: ReferenceStoreError) -> Self {
        Self::Store(error.into())
    }
}

/// An image to save, and the names that it has in the archive.
struct Chosen {
    image: Image,
    manifest: Manifest,
    size: u64,
    names: Vec<Reference>,
}

/// One of `manifest.json` (moby image/spec/v1.2.md, "Combined Image JSON").
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerItem {
    config: String,
    /// Go writes no names as `null`.
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

impl Images {
    /// Writes images, by name or id, as one archive. A name without a tag means all tags of its repository.
    ///
    /// # Errors
    /// Before anything is written when an image is not there, or not for the platform.
    pub fn save(
        &self,
        names: &[&str],
        platform: Option<&Platform>,
        out: &mut dyn Write,
    ) -> Result<(), SaveError> {
        let ingest = self.begin()?;
        let mut chosen: Vec<Chosen> = Vec::new();
        for name in names {
            self.choose(name, platform, &mut chosen)?;
        }
        for one in &chosen {
            keep(&ingest, one)?;
        }
        self.write_archive(&chosen, out)
    }

    /// Adds what a name means.
    fn choose(
        &self,
        typed: &str,
        platform: Option<&Platform>,
        chosen: &mut Vec<Chosen>,
    ) -> Result<(), SaveError> {
        for (name, image) in self.meant(typed)? {
            if platform.is_some_and(|wanted| !provides(&image, wanted)) {
                let wanted = platform.map(platform_text).unwrap_or_default();
                return Err(SaveError::Platform { name: typed.to_owned(), wanted });
            }
            let known = chosen.iter().position(|one| one.image.manifest == image.manifest);
            let at = match known {
                Some(at) => at,
                None => {
                    let manifest = document::manifest(&self.content, &image.manifest)?;
                    let size = self.content.size(&image.manifest)?.unwrap_or(0);
                    chosen.push(Chosen { image, manifest, size, names: Vec::new() });
                    chosen.len() - 1
                }
            };
            let names = &mut chosen[at].names;
            names.extend(name.filter(|name| !names.contains(name)));
        }
        Ok(())
    }

    /// The images that a name means, each with the name that it keeps.
    fn meant(&self, typed: &str) -> Result<Vec<(Option<Reference>, Image)>, SaveError> {
        let last = typed.rsplit('/').next().unwrap_or(typed);
        let whole_repository = !last.contains([':', '@']);
        if let (true, Ok(reference)) = (whole_repository, Reference::parse(typed)) {
            let mut found = Vec::new();
            for record in self.names.names(Some(&self.namespace))? {
                if record.reference.name() == reference.name() && record.reference.digest().is_none() {
                    let image = self.read_image(&record.id, &record.target)?;
                    found.push((Some(record.reference), image));
                }
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let image = self.get(typed)?;
        let tagged = Reference::parse(typed).ok().filter(|name| name.digest().is_none());
        let is_name = match &tagged {
            Some(name) => self.names.name(&self.namespace, name)?.is_some(),
            None => false,
        };
        Ok(vec![(tagged.filter(|_| is_name), image)])
    }

    fn write_archive(&self, chosen: &[Chosen], out: &mut dyn Write) -> Result<(), SaveError> {
        let mut writer = TarWriter::new(out);
        let mut directories = BTreeSet::from(["blobs/".to_owned()]);
        let mut blobs: BTreeSet<&Digest> = BTreeSet::new();
        for one in chosen {
            blobs.extend([&one.image.manifest, &one.image.id]);
            blobs.extend(one.manifest.layers.iter().map(|layer| &layer.digest));
        }
        directories.extend(blobs.iter().map(|digest| format!("blobs/{}/", digest.algorithm().as_str())));
        for directory in directories {
            writer.append_bytes(&Entry::new(directory, Kind::Directory, 0o755), b"")?;
        }
        for digest in blobs {
            let file = self.content.open_blob(digest)?;
            let mut entry = Entry::new(path_of(digest), Kind::File, 0o644);
            entry.size = self.content.size(digest)?.unwrap_or(0);
            writer.append(&entry, file)?;
        }
        let mut document = |name: &str, text: serde_json::Result<Vec<u8>>| -> Result<(), SaveError> {
            let failed =
                |source| StoreError::Syntax { kind: "document", digest: content::Digester::of(b""), source };
            let text = text.map_err(failed)?;
            Ok(writer.append_bytes(&Entry::new(name, Kind::File, 0o644), &text)?)
        };
        document("index.json", serde_json::to_vec(&index(chosen)))?;
        document("manifest.json", serde_json::to_vec(&chosen.iter().map(docker_item).collect::<Vec<_>>()))?;
        document("oci-layout", serde_json::to_vec(&serde_json::json!({"imageLayoutVersion": "1.0.0"})))?;
        writer.finish()?;
        Ok(())
    }
}

/// Leases everything of an image, and sees that it is there.
fn keep(ingest: &Ingest, one: &Chosen) -> Result<(), SaveError> {
    let parts =
        one.manifest.layers.iter().chain([&one.manifest.config]).map(|part| (&part.digest, part.size));
    for (digest, size) in parts.chain([(&one.image.manifest, one.size)]) {
        if !ingest.claim(digest, size)? {
            return Err(ContentError::Missing { digest: digest.clone() }.into());
        }
    }
    Ok(())
}

fn provides(image: &Image, wanted: &Platform) -> bool {
    let has = image.platform();
    let variant = has.variant.as_deref().unwrap_or_default();
    wanted.os == has.os
        && wanted.architecture == has.architecture
        && wanted.variant.as_deref().is_none_or(|wanted| wanted == variant)
}

fn path_of(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

fn docker_item(one: &Chosen) -> DockerItem {
    let names: Vec<String> = one.names.iter().map(Reference::familiar).collect();
    DockerItem {
        config: path_of(&one.image.id),
        repo_tags: Some(names).filter(|names| !names.is_empty()),
        layers: one.manifest.layers.iter().map(|layer| path_of(&layer.digest)).collect(),
    }
}

/// One entry for each name, as containerd and buildx read them.
fn index(chosen: &[Chosen]) -> Index {
    let mut manifests = Vec::new();
    for one in chosen {
        let kind = one.manifest.media_type.as_deref().unwrap_or(media_type::OCI_MANIFEST);
        let plain = Descriptor {
            media_type: kind.to_owned(),
            digest: one.image.manifest.clone(),
            size: one.size,
            urls: Vec::new(),
            annotations: std::collections::BTreeMap::new(),
            platform: Some(one.image.platform()),
            artifact_type: None,
        };
        let named = |name: &Reference| {
            let mut entry = plain.clone();
            entry.annotations.insert("io.containerd.image.name".into(), name.as_str().into());
            let tag = name.tag().unwrap_or_default();
            entry.annotations.insert("org.opencontainers.image.ref.name".into(), tag.into());
            entry
        };
        manifests.extend(one.names.iter().map(named));
        if one.names.is_empty() {
            manifests.push(plain);
        }
    }
    Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.into()),
        manifests,
        annotations: std::collections::BTreeMap::new(),
    }
}
