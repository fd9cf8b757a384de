//! One question to a registry until it is answered: challenges, redirects, retries.

use crate::answer::{Asked, FAILURE_MAX, failure};
use crate::authorization::Authorization;
use crate::challenge;
use crate::endpoint::{Endpoint, is_insecure};
use crate::error::RegistryError;
use crate::retry;
use crate::transport::{Answer, Transport, Trust};
use crate::url::Url;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, HeaderName, LOCATION, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE,
};
use http::{Request, StatusCode};
use http_body_util::Full;
use std::time::Duration;

/// How many redirects are followed; registries need one or two.
const REDIRECTS_MAX: u32 = 10;

/// One registry, one repository.
pub(crate) struct Exchange {
    pub(crate) transport: Transport,
    pub(crate) endpoint: Endpoint,
    pub(crate) authorization: Authorization,
    /// The repository below the registry, as in URLs.
    pub(crate) repository: String,
    /// For messages: repository and reference as people call them.
    pub(crate) familiar_name: String,
    pub(crate) familiar: String,
}

/// How a try went.
enum Tried {
    Answer(Answer),
    /// A refusal that names a wait.
    Later(RegistryError, Duration),
}

impl Exchange {
    /// Asks, following challenges and redirects, and again when the trouble may pass; `told` hears of each wait.
    /// The answer is 200, 206 or 416.
    pub(crate) async fn get(
        &self,
        url: &Url,
        headers: &[(HeaderName, String)],
        told: &dyn Fn(Duration, &RegistryError),
    ) -> Result<Answer, RegistryError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (error, wait) = match self.try_get(url, headers).await {
                Ok(Tried::Answer(answer)) => return Ok(answer),
                Ok(Tried::Later(error, wait)) => (error, wait),
                Err(error) if error.is_passing() => {
                    let wait = retry::delay(self.transport.config.retry_delay, attempt);
                    (error, wait)
                }
                Err(error) => return Err(error),
            };
            if attempt > self.transport.config.retries {
                return Err(error);
            }
            told(wait, &error);
            tokio::time::sleep(wait).await;
        }
    }

    async fn try_get(&self, url: &Url, headers: &[(HeaderName, String)]) -> Result<Tried, RegistryError> {
        let mut current = url.clone();
        let mut redirects = 0;
        let mut challenged = false;
        loop {
            let ours = current.same_origin(&self.endpoint.root);
            let mut answer = self.send(&current, headers, ours).await?;
            match answer.status {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                    return Ok(Tried::Answer(answer));
                }
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    redirects += 1;
                    if redirects > REDIRECTS_MAX {
                        return Err(RegistryError::Redirects { url: url.to_string(), limit: REDIRECTS_MAX });
                    }
                    let next = redirect(&current, &answer)?;
                    drain(&mut answer).await;
                    current = next;
                }
                StatusCode::UNAUTHORIZED if ours && !challenged => {
                    challenged = true;
                    let all = answer.headers.get_all(WWW_AUTHENTICATE);
                    let all = all.iter().filter_map(|value| value.to_str().ok()).flat_map(challenge::parse);
                    let chosen = challenge::choose(all.collect());
                    drain(&mut answer).await;
                    let asked = self.asked(&current);
                    self.authorization.answer(chosen, &self.transport, &self.endpoint, &asked).await?;
                }
                status => return self.refused(&current, status, answer).await,
            }
        }
    }

    async fn refused(
        &self,
        url: &Url,
        status: StatusCode,
        mut answer: Answer,
    ) -> Result<Tried, RegistryError> {
        let wait = retry::asked_for(answer.header(RETRY_AFTER));
        let (body, _) = answer.body(FAILURE_MAX).await.unwrap_or_default();
        let error = failure(&self.asked(url), status, &body);
        match (status, wait) {
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(wait)) => {
                Ok(Tried::Later(error, wait))
            }
            _ => Err(error),
        }
    }

    pub(crate) fn asked<'a>(&'a self, url: &'a Url) -> Asked<'a> {
        Asked {
            url,
            ours: url.same_origin(&self.endpoint.root),
            reference: &self.familiar,
            repository: &self.familiar_name,
            registry: &self.endpoint.registry,
        }
    }

    /// Sends with our authorisation only to whom it is meant for.
    async fn send(
        &self,
        url: &Url,
        headers: &[(HeaderName, String)],
        ours: bool,
    ) -> Result<Answer, RegistryError> {
        let mut request = Request::get(&url.path)
            .header(USER_AGENT, &self.transport.config.user_agent)
            // Bytes must come as they are stored: a layer that is gzip is not a tar sent with gzip.
            .header(ACCEPT_ENCODING, "identity");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if ours && let Some(header) = self.authorization.header() {
            request = request.header(AUTHORIZATION, header);
        }
        let request =
            request.body(Full::default()).map_err(|_| RegistryError::answer(url, "it is no path"))?;
        let verify = match ours {
            true => self.endpoint.verify,
            false => !is_insecure(&url.authority(), &self.transport.config),
        };
        let trust = Trust { verify, alias: ours.then_some(self.endpoint.registry.as_str()) };
        self.transport.send(url, trust, request).await
    }
}

fn redirect(from: &Url, answer: &Answer) -> Result<Url, RegistryError> {
    let location =
        answer.header(LOCATION).ok_or_else(|| RegistryError::answer(from, "a redirect to nowhere"))?;
    let next = from.join(location)?;
    if from.secure && !next.secure {
        return Err(RegistryError::Downgrade { from: from.to_string(), to: next.to_string() });
    }
    Ok(next)
}

/// Reads what is left of a short answer, so that its connection can serve again.
async fn drain(answer: &mut Answer) {
    // A connection that breaks now is simply not used again.
    let _ = answer.body(FAILURE_MAX).await;
}
