//! `index.json`, the entry point of an OCI layout (image-spec image-layout.md).

use super::collect::{Collected, missing_blob};
use super::docker::{self, IMAGES_MAX};
use super::{Candidate, LoadError};
use crate::document::{self, DOCUMENT_MAX, Document};
use crate::images::Images;
use crate::ingest::Ingest;
use crate::model::platform_text;
use crate::platform::{choose, host_platform, offered};
use ids::{Digest, Reference};
use spec::image::{Descriptor, Index, Platform};

/// How deep indexes may nest: the layout's own, and two more.
const NESTING_MAX: u32 = 3;
/// containerd's and docker's annotation with the whole name.
const NAME_ANNOTATION: &str = "io.containerd.image.name";
/// image-spec annotations.md; often only a tag.
const REF_ANNOTATION: &str = "org.opencontainers.image.ref.name";

/// The images of the layout, one for each entry of `index.json`.
pub(super) fn candidates(
    images: &Images,
    ingest: &Ingest,
    collected: &Collected,
    platform: Option<&Platform>,
) -> Result<Vec<Candidate>, LoadError> {
    let Some(bytes) = collected.documents.get("index.json") else { return Err(LoadError::NotAnImage) };
    let index: Index =
        serde_json::from_slice(bytes).map_err(|source| LoadError::Syntax { member: "index.json", source })?;
    if index.manifests.len() > IMAGES_MAX {
        return Err(LoadError::TooMany { what: "images", limit: IMAGES_MAX as u64 });
    }
    // docker save writes both tables; names that only the older one has count as well.
    let items = docker::items(collected)?;
    let mut found: Vec<Candidate> = Vec::new();
    for entry in index.manifests.iter().filter(|entry| !is_attestation(entry)) {
        let manifest = resolve(images, ingest, entry, platform, NESTING_MAX)?;
        let config = document::manifest(&images.content, &manifest).map_err(missing_blob)?.config.digest;
        let mut references: Vec<Reference> = name_of(entry)?.into_iter().collect();
        for item in
            items.iter().filter(|item| collected.blob(&item.config).is_ok_and(|blob| blob.digest == config))
        {
            references.extend(docker::references(&item.repo_tags)?);
        }
        match found.iter_mut().find(|one| one.manifest == manifest) {
            Some(one) => one.references.extend(references),
            None => found.push(Candidate { manifest, references }),
        }
    }
    for candidate in &mut found {
        candidate.references.sort();
        candidate.references.dedup();
    }
    if found.is_empty() { Err(LoadError::NotAnImage) } else { Ok(found) }
}

fn is_attestation(entry: &Descriptor) -> bool {
    entry.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
}

/// The manifest that an entry leads to, through indexes by platform.
fn resolve(
    images: &Images,
    ingest: &Ingest,
    entry: &Descriptor,
    platform: Option<&Platform>,
    depth: u32,
) -> Result<Digest, LoadError> {
    if depth == 0 {
        return Err(LoadError::TooMany { what: "indexes within each other", limit: NESTING_MAX.into() });
    }
    let bytes =
        images.content.read(&entry.digest, DOCUMENT_MAX).map_err(|error| missing_blob(error.into()))?;
    match document::manifest_or_index(&entry.digest, &bytes)? {
        Document::Manifest(manifest) => {
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                if !ingest.claim(&blob.digest, blob.size)? {
                    return Err(missing_blob(
                        content::ContentError::Missing { digest: blob.digest.clone() }.into(),
                    ));
                }
            }
            Ok(entry.digest.clone())
        }
        Document::Index(index) => {
            let wanted = platform.cloned().unwrap_or_else(host_platform);
            let chosen = choose(&wanted, &index.manifests).ok_or_else(|| LoadError::Platform {
                wanted: platform_text(&wanted),
                offered: offered(&index.manifests),
            })?;
            resolve(images, ingest, chosen, platform, depth - 1)
        }
    }
}

/// The name of an entry: the whole one if there is one, else what the layout calls it if that is a whole name too. A
/// bare tag (`latest`) says nothing about the repository.
fn name_of(entry: &Descriptor) -> Result<Option<Reference>, LoadError> {
    if let Some(name) = entry.annotations.get(NAME_ANNOTATION) {
        return Ok(Some(Reference::parse(name)?));
    }
    let name = entry.annotations.get(REF_ANNOTATION).filter(|name| name.contains(['/', ':']));
    // Anything may stand here (image-spec annotations.md), so what is no name is none of ours.
    Ok(name.and_then(|name| Reference::parse(name).ok()))
}
