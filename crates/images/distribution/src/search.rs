//! Looking for repositories by words: the search of the first registry protocol, which the hub still answers
//! (`GET /v1/search?q=&n=`).

use crate::authorization::Authorization;
use crate::body::Body;
use crate::config::Config;
use crate::endpoint::{Endpoint, is_insecure};
use crate::error::{Purpose, RegistryError};
use crate::exchange::{Ask, Exchange};
use crate::transport::Transport;
use crate::url::{Url, encode};
use http::{Method, StatusCode};
use ids::DEFAULT_REGISTRY;
use serde::Deserialize;
use tokio::task::LocalSet;

/// The host that is searched for `docker.io`.
const HUB_INDEX: &str = "index.docker.io";
/// How large an answer may be; a hundred results have some forty kilobytes.
const ANSWER_MAX: u64 = 4 << 20;

/// A repository that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Found {
    /// As it is pulled.
    pub name: String,
    /// What its owner says of it.
    pub description: String,
    /// How many people like it.
    pub star_count: i64,
    /// Whether the registry's own people look after it.
    pub is_official: bool,
    /// Whether the registry built it; the hub has stopped telling.
    pub is_automated: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    results: Vec<Found>,
}

/// The registry that a term is about, as in references, and what is looked for there.
#[must_use]
pub fn registry_of(term: &str) -> (&str, &str) {
    let Some((host, rest)) = term.split_once('/') else { return (DEFAULT_REGISTRY, term) };
    let is_host = host.contains(['.', ':']) || host == "localhost";
    let (registry, rest) = if is_host { (host, rest) } else { (DEFAULT_REGISTRY, term) };
    match registry {
        DEFAULT_REGISTRY | HUB_INDEX => (DEFAULT_REGISTRY, rest.strip_prefix("library/").unwrap_or(rest)),
        other => (other, rest),
    }
}

/// Asks a registry for repositories, at most `limit`.
///
/// # Errors
/// When it cannot be reached, or does not search.
pub fn search(config: &Config, registry: &str, words: &str, limit: u32) -> Result<Vec<Found>, RegistryError> {
    let mut failed = None;
    for endpoint in ways(config, registry)? {
        let exchange = Exchange {
            transport: Transport::new(config),
            endpoint,
            authorization: Authorization::default(),
            purpose: Purpose::Pull,
            familiar_name: words.into(),
            familiar: words.into(),
        };
        match crate::session::block_on(&LocalSet::new(), ask(&exchange, words, limit))? {
            Err(error) if error.is_no_connection() => failed = Some(failed.unwrap_or(error)),
            answered => return answered,
        }
    }
    Err(failed.unwrap_or_else(|| RegistryError::Url {
        url: registry.into(),
        problem: "there is no way to this registry",
    }))
}

/// With TLS, and where that is allowed, then without.
fn ways(config: &Config, registry: &str) -> Result<Vec<Endpoint>, RegistryError> {
    let host = if registry == DEFAULT_REGISTRY { HUB_INDEX } else { registry };
    let insecure = is_insecure(registry, config);
    let way = |scheme: &str, verify| -> Result<Endpoint, RegistryError> {
        let root = Url::parse(&format!("{scheme}://{host}"))?;
        Ok(Endpoint { verify, registry: registry.to_owned(), ..Endpoint::at(root, "") })
    };
    Ok(if insecure { vec![way("https", false)?, way("http", false)?] } else { vec![way("https", true)?] })
}

async fn ask(exchange: &Exchange, words: &str, limit: u32) -> Result<Vec<Found>, RegistryError> {
    let path = format!("/v1/search?q={}&n={limit}", encode(words));
    let url = Url { path, ..exchange.endpoint.root.clone() };
    let ask =
        Ask { method: Method::GET, url: &url, headers: &[], body: Body::Empty, good: &[StatusCode::OK] };
    let refused = |status, message: &str| RegistryError::Status {
        url: url.to_string(),
        status,
        message: message.to_owned(),
    };
    let mut answer = match exchange.ask(&ask, &|_, _| {}).await {
        Err(RegistryError::Status { status: 404, .. }) => {
            return Err(refused(404, "this registry cannot be searched"));
        }
        Err(RegistryError::Denied { message, .. }) => return Err(refused(401, &message)),
        answered => answered?,
    };
    let (body, more) = answer.body(ANSWER_MAX).await?;
    if more {
        return Err(RegistryError::answer(&url, "the list is too long"));
    }
    let parsed: Answer =
        serde_json::from_slice(&body).map_err(|error| RegistryError::answer(&url, error.to_string()))?;
    Ok(parsed.results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_may_name_its_registry() {
        for (term, registry, words) in [
            ("nginx", "docker.io", "nginx"),
            ("library/nginx", "docker.io", "nginx"),
            ("team/tool", "docker.io", "team/tool"),
            ("docker.io/library/nginx", "docker.io", "nginx"),
            ("index.docker.io/nginx", "docker.io", "nginx"),
            ("localhost:5000/tool", "localhost:5000", "tool"),
            ("reg.example/a/b", "reg.example", "a/b"),
        ] {
            assert_eq!(registry_of(term), (registry, words), "{term}");
        }
    }
}
