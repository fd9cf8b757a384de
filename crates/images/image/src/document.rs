//! Reading manifests, indexes and configurations: bounded, verified, and checked for what would bite later.

use crate::error::StoreError;
use content::ContentStore;
use ids::Digest;
use serde::de::DeserializeOwned;
use spec::image::{Descriptor, ImageConfig, Index, Manifest, media_type};

/// The largest manifest, index or configuration in bytes, as registries bound them.
pub(crate) const DOCUMENT_MAX: u64 = 4 << 20;
/// The most layers of an image: what overlayfs stacks, less one.
pub(crate) const LAYERS_MAX: usize = 499;
/// The most entries of an index.
const INDEX_MAX: usize = 4096;

/// What a digest may lead to.
#[derive(Debug)]
pub(crate) enum Document {
    Manifest(Box<Manifest>),
    Index(Index),
}

fn parse<T: DeserializeOwned>(kind: &'static str, digest: &Digest, bytes: &[u8]) -> Result<T, StoreError> {
    // serde would take a list for an object, field by field; other readers do not.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(invalid(kind, digest, "is no JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|source| StoreError::Syntax {
        kind,
        digest: digest.clone(),
        source,
    })
}

fn invalid(kind: &'static str, digest: &Digest, problem: impl Into<String>) -> StoreError {
    StoreError::Invalid { kind, digest: digest.clone(), problem: problem.into() }
}

/// Reads a manifest from the store.
pub(crate) fn manifest(content: &ContentStore, digest: &Digest) -> Result<Manifest, StoreError> {
    match manifest_or_index(digest, &content.read(digest, DOCUMENT_MAX)?)? {
        Document::Manifest(manifest) => Ok(*manifest),
        Document::Index(_) => Err(invalid("manifest", digest, "is an index of several")),
    }
}

/// Parses a manifest or an index, told apart by what they hold: media types are optional in both.
pub(crate) fn manifest_or_index(digest: &Digest, bytes: &[u8]) -> Result<Document, StoreError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shape {
        #[serde(default)]
        schema_version: u32,
        #[serde(default)]
        media_type: Option<String>,
        config: Option<serde::de::IgnoredAny>,
        layers: Option<serde::de::IgnoredAny>,
        manifests: Option<serde::de::IgnoredAny>,
    }
    let shape: Shape = parse("manifest", digest, bytes)?;
    if shape.schema_version != 2 {
        let problem =
            format!("has the schema version {}, which is not supported; 2 is", shape.schema_version);
        return Err(invalid("manifest", digest, problem));
    }
    // A document that is both would be read as one thing here and as another elsewhere (CVE-2021-41190).
    if shape.manifests.is_some() && (shape.config.is_some() || shape.layers.is_some()) {
        return Err(invalid("manifest", digest, "is a manifest and an index at the same time"));
    }
    let is_index = shape.manifests.is_some();
    match shape.media_type.as_deref() {
        None | Some("") => {}
        Some(media_type::OCI_INDEX | media_type::DOCKER_LIST) if is_index => {}
        Some(media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST) if !is_index => {}
        Some(other) => return Err(invalid("manifest", digest, format!("has the media type {other:?}"))),
    }
    if is_index {
        let index: Index = parse("index", digest, bytes)?;
        if index.manifests.len() > INDEX_MAX {
            return Err(invalid("index", digest, format!("has more than {INDEX_MAX} entries")));
        }
        Ok(Document::Index(index))
    } else {
        let manifest: Manifest = parse("manifest", digest, bytes)?;
        check_manifest(digest, &manifest)?;
        Ok(Document::Manifest(Box::new(manifest)))
    }
}

fn check_manifest(digest: &Digest, manifest: &Manifest) -> Result<(), StoreError> {
    if !matches!(manifest.config.media_type.as_str(), media_type::OCI_CONFIG | media_type::DOCKER_CONFIG) {
        let what = manifest.artifact_type.as_ref().unwrap_or(&manifest.config.media_type);
        return Err(invalid("manifest", digest, format!("is no image but an artifact of the type {what:?}")));
    }
    if manifest.config.size > DOCUMENT_MAX {
        return Err(invalid(
            "manifest",
            digest,
            format!("has a configuration of more than {DOCUMENT_MAX} bytes"),
        ));
    }
    if manifest.layers.len() > LAYERS_MAX {
        let problem =
            format!("has {} layers, more than the {LAYERS_MAX} that can be stacked", manifest.layers.len());
        return Err(invalid("manifest", digest, problem));
    }
    manifest.layers.iter().try_for_each(|layer| check_layer(digest, layer))
}

fn check_layer(manifest: &Digest, layer: &Descriptor) -> Result<(), StoreError> {
    let kind = layer.media_type.as_str();
    let foreign = kind == media_type::DOCKER_FOREIGN_LAYER || kind.contains(".layer.nondistributable.");
    if foreign {
        let problem =
            format!("has the layer {} that may only be had from elsewhere (foreign layer)", layer.digest);
        return Err(invalid("manifest", manifest, problem));
    }
    let known = matches!(
        kind,
        media_type::OCI_LAYER
            | media_type::OCI_LAYER_GZIP
            | media_type::OCI_LAYER_ZSTD
            | media_type::DOCKER_LAYER
            | media_type::DOCKER_LAYER_GZIP
            | "application/vnd.docker.image.rootfs.diff.tar.zstd"
    );
    if known {
        Ok(())
    } else {
        Err(invalid("manifest", manifest, format!("has the layer {} of the type {kind:?}", layer.digest)))
    }
}

/// Reads a configuration from the store.
pub(crate) fn config(content: &ContentStore, digest: &Digest) -> Result<ImageConfig, StoreError> {
    config_from(digest, &content.read(digest, DOCUMENT_MAX)?)
}

/// Parses a configuration.
pub(crate) fn config_from(digest: &Digest, bytes: &[u8]) -> Result<ImageConfig, StoreError> {
    let config: ImageConfig = parse("image configuration", digest, bytes)?;
    if config.rootfs.diff_ids.len() > LAYERS_MAX {
        return Err(invalid("image configuration", digest, format!("has more than {LAYERS_MAX} layers")));
    }
    Ok(config)
}

/// Checks that manifest and configuration speak of the same layers.
pub(crate) fn check_pair(
    digest: &Digest,
    manifest: &Manifest,
    config: &ImageConfig,
) -> Result<(), StoreError> {
    let (packed, unpacked) = (manifest.layers.len(), config.rootfs.diff_ids.len());
    if packed == unpacked {
        return Ok(());
    }
    Err(invalid("manifest", digest, format!("has {packed} layers, but its configuration {unpacked}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(json: &str) -> String {
        match manifest_or_index(&Digest::from_sha256([0; 32]), json.as_bytes()) {
            Ok(Document::Manifest(_)) => "manifest".into(),
            Ok(Document::Index(_)) => "index".into(),
            Err(error) => error.to_string(),
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_stumble(bytes in r#"\{("[a-z]{1,14}":(null|2|\[\]|\{\}|"[a-z]*"),){0,6}"schemaVersion":2\}|.{0,60}"#) {
            let digest = Digest::from_sha256([0; 32]);
            let _ = manifest_or_index(&digest, bytes.as_bytes());
            let _ = config_from(&digest, bytes.as_bytes());
        }
    }

    #[test]
    fn manifests_and_indexes_are_told_apart_and_checked() {
        let hex = "0".repeat(64);
        let of = |kind: &str| format!(r#"{{"mediaType":"{kind}","digest":"sha256:{hex}","size":1}}"#);
        let config = of(media_type::OCI_CONFIG);
        let image =
            |layer: &str| format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, of(layer));
        for (json, verdict) in [
            (image(media_type::OCI_LAYER_GZIP), "manifest"),
            (r#"{"schemaVersion":2,"manifests":[]}"#.to_owned(), "index"),
            (r#"{"schemaVersion":2,"manifests":null,"mediaType":"application/x"}"#.to_owned(), "media type"),
            (format!(r#"{{"schemaVersion":2,"config":{config},"manifests":[]}}"#), "at the same time"),
            (r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(), "schema version 1"),
            (image(media_type::DOCKER_FOREIGN_LAYER), "foreign layer"),
            (image("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), "foreign layer"),
            (image("text/plain"), "of the type"),
            (format!(r#"{{"schemaVersion":2,"config":{}}}"#, of("application/vnd.helm")), "artifact"),
            ("[]".to_owned(), "no JSON object"),
            ("{".to_owned(), "cannot be understood"),
        ] {
            assert!(judge(&json).contains(verdict), "{json}: {}", judge(&json));
        }
    }
}
