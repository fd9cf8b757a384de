//! Fetching manifests and indexes.

use crate::error::RegistryError;
use crate::exchange::Exchange;
use content::{ContentError, Digester};
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE};
use ids::Digest;
use spec::image::media_type;

/// The largest manifest or index in bytes (distribution-spec recommends registries to take 4 MiB).
const MANIFEST_MAX: u64 = 4 << 20;

/// Which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestTarget {
    /// Whatever a tag means now.
    Tag(String),
    /// The one.
    Digest(Digest),
}

/// A manifest or index as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their digest, computed here.
    pub digest: Digest,
    /// What the registry calls it.
    pub media_type: String,
}

pub(crate) async fn fetch(exchange: &Exchange, target: &ManifestTarget) -> Result<Fetched, RegistryError> {
    let name = match target {
        ManifestTarget::Tag(tag) => tag.as_str(),
        ManifestTarget::Digest(digest) => digest.as_str(),
    };
    let url = exchange.endpoint.url(&exchange.repository, &format!("manifests/{name}"));
    let accept = [
        media_type::OCI_INDEX,
        media_type::OCI_MANIFEST,
        media_type::DOCKER_LIST,
        media_type::DOCKER_MANIFEST,
    ];
    let mut answer = exchange.get(&url, &[(ACCEPT, accept.join(", "))], &|_, _| {}).await?;
    if answer.status != StatusCode::OK {
        return Err(RegistryError::answer(&url, format!("status {} for a manifest", answer.status.as_u16())));
    }
    let (bytes, more) = answer.body(MANIFEST_MAX).await?;
    let refused = |source| RegistryError::Content { host: answer.host().to_owned(), source };
    if more {
        return Err(refused(ContentError::TooLarge { limit: MANIFEST_MAX }));
    }
    let promised = match target {
        ManifestTarget::Digest(digest) => Some(digest.clone()),
        // Only a hint for a tag, but one that is wrong means that something on the way changed the bytes.
        ManifestTarget::Tag(_) => {
            answer.header("docker-content-digest").and_then(|text| Digest::parse(text).ok())
        }
    };
    let digest = match promised {
        None => Digester::of(&bytes),
        Some(expected) => {
            let actual = Digester::of_with(expected.algorithm(), &bytes);
            if actual != expected {
                return Err(refused(ContentError::Digest { expected, actual }));
            }
            actual
        }
    };
    let media_type = answer.header(CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
    Ok(Fetched { bytes, digest, media_type })
}
