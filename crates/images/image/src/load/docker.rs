//! `manifest.json`, the table of contents of `docker save` (moby image/spec/v1.2.md, "Combined Image JSON").

use super::collect::{Collected, DOCUMENT_MAX};
use super::{Candidate, LoadError};
use crate::document::LAYERS_MAX;
use crate::images::Images;
use crate::ingest::{Ingest, descriptor};
use ids::Reference;
use serde::{Deserialize, Deserializer};

/// How many images one archive may hold.
pub(super) const IMAGES_MAX: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    pub(super) config: String,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(super) repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "null_as_empty")]
    layers: Vec<String>,
}

/// Go writes an empty list as `null`.
fn null_as_empty<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

pub(super) fn items(collected: &Collected) -> Result<Vec<Item>, LoadError> {
    let Some(bytes) = collected.documents.get("manifest.json") else { return Ok(Vec::new()) };
    let items: Vec<Item> = serde_json::from_slice(bytes)
        .map_err(|source| LoadError::Syntax { member: "manifest.json", source })?;
    if items.len() > IMAGES_MAX {
        return Err(LoadError::TooMany { what: "images", limit: IMAGES_MAX as u64 });
    }
    Ok(items)
}

/// The names that `manifest.json` gives an image.
pub(super) fn references(tags: &[String]) -> Result<Vec<Reference>, LoadError> {
    tags.iter().map(|tag| Ok(Reference::parse(tag)?)).collect()
}

/// The images of the archive, each with a manifest of our own, since it brings none.
pub(super) fn candidates(
    images: &Images,
    ingest: &Ingest,
    collected: &Collected,
) -> Result<Vec<Candidate>, LoadError> {
    let mut candidates = Vec::new();
    for item in items(collected)? {
        let config = collected.blob(&item.config)?;
        if config.size > DOCUMENT_MAX {
            return Err(LoadError::TooMany {
                what: "bytes in one of its configurations",
                limit: DOCUMENT_MAX,
            });
        }
        if item.layers.len() > LAYERS_MAX {
            return Err(LoadError::TooMany { what: "layers in one image", limit: LAYERS_MAX as u64 });
        }
        let mut layers = Vec::new();
        for path in &item.layers {
            let stored = collected.blob(path)?;
            layers.push(descriptor(images.layer_type(stored)?, stored));
        }
        let manifest = ingest.put_manifest(config, layers)?.digest;
        candidates.push(Candidate { manifest, references: references(&item.repo_tags)? });
    }
    Ok(candidates)
}
