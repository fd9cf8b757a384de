//! Logging in and out.

use crate::authorization::Authorization;
use crate::body::Body;
use crate::config::Config;
use crate::credentials::{self, Credentials, Kept};
use crate::error::{Purpose, RegistryError};
use crate::exchange::{Ask, Exchange};
use crate::policy::{self, Wanted};
use crate::transport::Transport;
use http::{Method, StatusCode};
use tokio::task::LocalSet;

/// Finds out whether a registry accepts user and password, and keeps them, or the token that it gives instead.
///
/// # Errors
/// When the registry cannot be reached or refuses, or they cannot be kept; then nothing is.
pub fn login(config: &Config, registry: &str, user: &str, password: &str) -> Result<Kept, RegistryError> {
    let mut failed = None;
    let wanted = Wanted { registry, repository: "", by_digest: false, purpose: Purpose::Login };
    for endpoint in policy::ways(wanted, config)?.into_iter().filter(|way| !way.mirror) {
        let mine = Credentials::Password { user: user.into(), password: password.into() };
        let exchange = Exchange {
            transport: Transport::new(config),
            endpoint,
            authorization: Authorization::for_login(mine.clone()),
            purpose: Purpose::Login,
            familiar_name: registry.into(),
            familiar: registry.into(),
        };
        match crate::session::block_on(&LocalSet::new(), greet(&exchange))? {
            Ok(()) => {
                let kept = match exchange.authorization.into_refresh_token() {
                    Some(token) => Credentials::IdentityToken { user: user.into(), token },
                    None => mine,
                };
                return credentials::keep(config, registry, &kept)
                    .map_err(|source| RegistryError::Keep { registry: registry.into(), source });
            }
            Err(error) if error.is_no_connection() => failed = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(failed.unwrap_or_else(|| RegistryError::Url {
        url: registry.into(),
        problem: "there is no way to this registry",
    }))
}

/// Asks whether the registry speaks the protocol with us (distribution-spec, "Determining Support").
pub(crate) async fn greet(exchange: &Exchange) -> Result<(), RegistryError> {
    let url = exchange.endpoint.base();
    let ask =
        Ask { method: Method::GET, url: &url, headers: &[], body: Body::Empty, good: &[StatusCode::OK] };
    let mut answer = exchange.ask(&ask, &|_, _| {}).await?;
    answer.body(crate::answer::FAILURE_MAX).await.map(drop)
}

/// Forgets the credentials for a registry; whether there were any.
///
/// # Errors
/// When they cannot be looked for or deleted.
pub fn logout(config: &Config, registry: &str) -> Result<bool, RegistryError> {
    credentials::forget(config, registry)
        .map_err(|source| RegistryError::Keep { registry: registry.into(), source })
}
