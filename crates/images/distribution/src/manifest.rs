//! Fetching and uploading manifests and indexes.

use crate::body::Body;
use crate::error::RegistryError;
use crate::exchange::{Ask, Exchange};
use crate::retry;
use content::{ContentError, Digester};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, StatusCode};
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

/// Why there is none.
enum Failed {
    /// It began to come, and broke: nobody tried that again yet.
    OnTheWay(RegistryError),
    /// It did not come, or is not what it must be.
    Refused(RegistryError),
}

impl From<RegistryError> for Failed {
    fn from(error: RegistryError) -> Self {
        Self::Refused(error)
    }
}

/// Fetches one, again when it breaks on the way.
pub(crate) async fn fetch(exchange: &Exchange, target: &ManifestTarget) -> Result<Fetched, RegistryError> {
    let config = &exchange.transport.config;
    let mut attempt = 0;
    loop {
        attempt += 1;
        match fetch_once(exchange, target).await {
            Err(Failed::OnTheWay(error)) if error.is_passing() && attempt <= config.retries => {
                tokio::time::sleep(retry::delay(config.retry_delay, attempt)).await;
            }
            Err(Failed::OnTheWay(error) | Failed::Refused(error)) => return Err(error),
            Ok(fetched) => return Ok(fetched),
        }
    }
}

async fn fetch_once(exchange: &Exchange, target: &ManifestTarget) -> Result<Fetched, Failed> {
    let name = match target {
        ManifestTarget::Tag(tag) => tag.as_str(),
        ManifestTarget::Digest(digest) => digest.as_str(),
    };
    let url = exchange.endpoint.url(&format!("manifests/{name}"));
    let accept = [
        media_type::OCI_INDEX,
        media_type::OCI_MANIFEST,
        media_type::DOCKER_LIST,
        media_type::DOCKER_MANIFEST,
    ];
    let mut answer = exchange.get(&url, &[(ACCEPT, accept.join(", "))], &|_, _| {}).await?;
    if answer.status != StatusCode::OK {
        return Err(
            RegistryError::answer(&url, format!("status {} for a manifest", answer.status.as_u16())).into()
        );
    }
    let (bytes, more) = answer.body(MANIFEST_MAX).await.map_err(Failed::OnTheWay)?;
    let refused = |source| Failed::Refused(RegistryError::Content { host: answer.host().to_owned(), source });
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

/// Uploads a manifest or index as it is, under a tag or its digest. The registry must call it what we do.
pub(crate) async fn put(
    exchange: &Exchange,
    target: &ManifestTarget,
    bytes: &[u8],
    media_type: &str,
) -> Result<Digest, RegistryError> {
    let name = match target {
        ManifestTarget::Tag(tag) => tag.as_str(),
        ManifestTarget::Digest(digest) => digest.as_str(),
    };
    let url = exchange.endpoint.url(&format!("manifests/{name}"));
    let ask = Ask {
        method: Method::PUT,
        url: &url,
        headers: &[(CONTENT_TYPE, media_type.to_owned())],
        body: Body::Bytes(bytes.to_vec().into()),
        good: &[StatusCode::CREATED, StatusCode::OK, StatusCode::ACCEPTED],
    };
    // Twice the same manifest is once.
    let mut answer = exchange.ask(&ask, &|_, _| {}).await?;
    answer.body(crate::answer::FAILURE_MAX).await?;
    let told = answer.header("docker-content-digest").and_then(|text| Digest::parse(text).ok());
    let algorithm = told.as_ref().map_or(ids::Algorithm::Sha256, Digest::algorithm);
    let ours = Digester::of_with(algorithm, bytes);
    match told {
        Some(actual) if actual != ours => Err(RegistryError::Content {
            host: answer.host().to_owned(),
            source: ContentError::Digest { expected: ours, actual },
        }),
        _ => Ok(ours),
    }
}
