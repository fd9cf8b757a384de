//! Answering a registry's challenge, and remembering what it gave for that.

use crate::answer::{Asked, FAILURE_MAX, failure};
use crate::body::Body;
use crate::challenge::Challenge;
use crate::credentials::{self, Credentials};
use crate::endpoint::{Endpoint, is_insecure};
use crate::error::RegistryError;
use crate::transport::{Transport, Trust};
use crate::url::{Url, encode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Request, StatusCode};
use serde::Deserialize;
use std::cell::{OnceCell, RefCell};
use std::time::{Duration, Instant};

/// How long a token is good for when its server does not say (distribution, spec/auth/token.md).
const TOKEN_SECONDS: u64 = 60;
/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_secs(5);
/// How large a token server's answer may be.
const TOKEN_MAX: u64 = 1 << 20;

/// What we show a registry, for one repository.
#[derive(Default)]
pub(crate) struct Authorization {
    credentials: OnceCell<Option<Credentials>>,
    /// What tokens must allow besides what is asked for (`repository:<name>:<actions>`).
    scopes: RefCell<Vec<String>>,
    /// Whether a token is asked for that can be kept instead of the password, and the one that came.
    offline: bool,
    refresh: RefCell<Option<String>>,
    current: RefCell<Option<(HeaderValue, Option<Instant>)>>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    refresh_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Authorization {
    /// For these credentials, whatever files say; with a token to keep, if the registry gives one.
    pub(crate) fn for_login(credentials: Credentials) -> Self {
        let known = OnceCell::new();
        let _ = known.set(Some(credentials));
        Self { credentials: known, offline: true, ..Self::default() }
    }

    /// From now on tokens shall allow this, too.
    pub(crate) fn want(&self, scope: String) {
        let mut scopes = self.scopes.borrow_mut();
        if !scopes.contains(&scope) {
            scopes.push(scope);
            *self.current.borrow_mut() = None;
        }
    }

    /// The token to keep instead of the password.
    pub(crate) fn into_refresh_token(self) -> Option<String> {
        self.refresh.into_inner()
    }

    /// The header to send, as far as one is known.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let current = self.current.borrow();
        let (header, until) = current.as_ref()?;
        until.is_none_or(|until| Instant::now() < until).then(|| header.clone())
    }

    /// Gets what a challenge asks for; it is in [`header`](Self::header) afterwards.
    pub(crate) async fn answer(
        &self,
        challenge: Option<Challenge>,
        transport: &Transport,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
    ) -> Result<(), RegistryError> {
        let credentials = self.credentials(transport, endpoint, asked)?;
        let denied = |message: &str| asked.denied(message);
        let (header, until) = match (challenge, credentials) {
            (Some(Challenge::Bearer { .. }), Some(Credentials::RegistryToken(token))) => {
                (bearer(token, asked)?, None)
            }
            (Some(Challenge::Bearer { realm, service, scope, .. }), credentials) => {
                let scopes = scopes_of(scope.as_deref().unwrap_or_default(), &self.scopes.borrow());
                let ask = TokenRequest {
                    realm: &realm,
                    service: service.as_deref(),
                    scopes: &scopes,
                    offline: self.offline,
                    credentials,
                };
                let (token, seconds, refresh) = ask.send(transport, endpoint, asked).await?;
                if refresh.is_some() {
                    *self.refresh.borrow_mut() = refresh;
                }
                let until = Instant::now() + Duration::from_secs(seconds).saturating_sub(MARGIN);
                (bearer(&token, asked)?, Some(until))
            }
            (Some(Challenge::Basic), Some(Credentials::Password { user, password })) => {
                (basic(user, password), None)
            }
            (Some(Challenge::Basic), _) => return Err(denied("no basic auth credentials")),
            (Some(Challenge::Other(offered)), _) => {
                return Err(RegistryError::Scheme { registry: endpoint.registry.clone(), offered });
            }
            (None, _) => return Err(denied("unauthorized")),
        };
        *self.current.borrow_mut() = Some((header, until));
        Ok(())
    }

    /// Looked up when a registry first asks: most never do.
    fn credentials(
        &self,
        transport: &Transport,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
    ) -> Result<Option<&Credentials>, RegistryError> {
        if let Some(known) = self.credentials.get() {
            return Ok(known.as_ref());
        }
        let found = credentials::find(&transport.config, &endpoint.registry, repository_of(asked.url))
            .map_err(|source| RegistryError::Credentials { registry: endpoint.registry.clone(), source })?;
        Ok(self.credentials.get_or_init(|| found).as_ref())
    }
}

/// The repository of a URL below `/v2/`; empty for `/v2/` itself.
fn repository_of(url: &Url) -> &str {
    let below = url.path.split_once("/v2/").map_or("", |(_, below)| below);
    let end = below.find("/manifests/").or_else(|| below.find("/blobs/")).unwrap_or(below.len());
    &below[..end]
}

/// What is asked for, and what is wanted of other resources.
fn scopes_of(asked: &str, wanted: &[String]) -> Vec<String> {
    let resource =
        |scope: &str| scope.rsplit_once(':').map_or(String::new(), |(resource, _)| resource.to_owned());
    let mut scopes: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
    for scope in wanted {
        if !scopes.iter().any(|known| resource(known) == resource(scope)) {
            scopes.push(scope.clone());
        }
    }
    scopes
}

fn bearer(token: &str, asked: &Asked<'_>) -> Result<HeaderValue, RegistryError> {
    let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| RegistryError::answer(asked.url, "the token is no header value"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn basic(user: &str, password: &str) -> HeaderValue {
    let text = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let mut header = HeaderValue::from_str(&text).expect("base64 is ASCII");
    header.set_sensitive(true);
    header
}

struct TokenRequest<'a> {
    realm: &'a str,
    service: Option<&'a str>,
    scopes: &'a [String],
    offline: bool,
    credentials: Option<&'a Credentials>,
}

impl TokenRequest<'_> {
    /// The token, how many seconds it is good for, and one to get others with.
    async fn send(
        &self,
        transport: &Transport,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
    ) -> Result<(String, u64, Option<String>), RegistryError> {
        let realm = Url::parse(self.realm)?;
        // Or whoever sits between us and the registry could name a place where passwords are read.
        if endpoint.root.secure && !realm.secure {
            return Err(RegistryError::Downgrade { from: asked.url.to_string(), to: realm.to_string() });
        }
        let (url, request) = self.build(&realm, &transport.config.user_agent)?;
        let verify = match realm.same_origin(&endpoint.root) {
            true => endpoint.verify,
            false => !is_insecure(&realm.authority(), &transport.config),
        };
        let trust = Trust { verify, alias: None, files: None };
        let mut answer = transport.send(&url, trust, request).await?;
        if answer.status != StatusCode::OK {
            let (body, _) = answer.body(FAILURE_MAX).await?;
            return Err(failure(&Asked { url: &url, ours: true, ..*asked }, answer.status, &body));
        }
        let (body, _) = answer.body(TOKEN_MAX).await?;
        let bad = |problem: &str| RegistryError::answer(&url, problem);
        let parsed: TokenAnswer = serde_json::from_slice(&body).map_err(|_| bad("it is no token"))?;
        let token = if parsed.token.is_empty() { parsed.access_token } else { parsed.token };
        if token.is_empty() {
            return Err(bad("it has no token"));
        }
        let refresh = Some(parsed.refresh_token).filter(|token| !token.is_empty());
        Ok((token, parsed.expires_in.unwrap_or(TOKEN_SECONDS), refresh))
    }

    /// A GET with the password, or a POST with the identity token (distribution, spec/auth/oauth.md).
    fn build(&self, realm: &Url, user_agent: &str) -> Result<(Url, Request<Body>), RegistryError> {
        let mut query: Vec<(&str, &str)> = Vec::new();
        query.extend(self.service.map(|service| ("service", service)));
        let bad = |_| RegistryError::answer(realm, "it is no place to ask for a token");
        let joined = self.scopes.join(" ");
        if let Some(Credentials::IdentityToken { token, .. }) = self.credentials {
            query.extend([
                ("scope", joined.as_str()),
                ("grant_type", "refresh_token"),
                ("client_id", "sampan"),
                ("refresh_token", token),
            ]);
            let request = Request::post(&realm.path)
                .header(USER_AGENT, user_agent)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            return Ok((realm.clone(), request.body(Body::Bytes(form(&query).into())).map_err(bad)?));
        }
        query.extend(self.scopes.iter().map(|scope| ("scope", scope.as_str())));
        let mut request = Request::builder().header(USER_AGENT, user_agent);
        if let Some(Credentials::Password { user, password }) = self.credentials {
            query.push(("account", user));
            if self.offline {
                query.extend([("client_id", "sampan"), ("offline_token", "true")]);
            }
            request = request.header(AUTHORIZATION, basic(user, password));
        }
        let joint = if realm.path.contains('?') { '&' } else { '?' };
        let url = Url { path: format!("{}{joint}{}", realm.path, form(&query)), ..realm.clone() };
        let request = request.uri(&url.path).body(Body::Empty).map_err(bad)?;
        Ok((url, request))
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect::<Vec<_>>().join("&")
}
