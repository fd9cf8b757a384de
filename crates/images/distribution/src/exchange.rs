//! One question to a registry until it is answered: challenges, redirects, retries.

use crate::answer::{Asked, FAILURE_MAX, failure};
use crate::authorization::Authorization;
use crate::body::Body;
use crate::challenge;
use crate::endpoint::{Endpoint, is_insecure};
use crate::error::{Purpose, RegistryError};
use crate::retry;
use crate::transport::{Answer, Transport, Trust};
use crate::url::Url;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, HeaderName, LOCATION, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE,
};
use http::{Method, Request, StatusCode};
use std::time::Duration;

/// How many redirects are followed; registries need one or two.
const REDIRECTS_MAX: u32 = 10;

/// One registry, one repository.
pub(crate) struct Exchange {
    pub(crate) transport: Transport,
    pub(crate) endpoint: Endpoint,
    pub(crate) authorization: Authorization,
    /// What we come for.
    pub(crate) purpose: Purpose,
    /// For messages: repository and reference as people call them.
    pub(crate) familiar_name: String,
    pub(crate) familiar: String,
}

/// One question.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a [(HeaderName, String)],
    pub(crate) body: Body,
    /// The statuses that are answers; all others are failures.
    pub(crate) good: &'a [StatusCode],
}

/// How a try went.
enum Tried {
    Answer(Answer),
    /// A refusal that names a wait.
    Later(RegistryError, Duration),
}

impl Exchange {
    /// Asks for something, see [`ask`](Self::ask). The answer is 200, 206 or 416.
    pub(crate) async fn get(
        &self,
        url: &Url,
        headers: &[(HeaderName, String)],
        told: &dyn Fn(Duration, &RegistryError),
    ) -> Result<Answer, RegistryError> {
        let good = &[StatusCode::OK, StatusCode::PARTIAL_CONTENT, StatusCode::RANGE_NOT_SATISFIABLE];
        self.ask(&Ask { method: Method::GET, url, headers, body: Body::Empty, good }, told).await
    }

    /// Asks, following challenges and redirects, and again when the trouble may pass; `told` hears of each wait. Only
    /// for what may be asked twice.
    pub(crate) async fn ask(
        &self,
        ask: &Ask<'_>,
        told: &dyn Fn(Duration, &RegistryError),
    ) -> Result<Answer, RegistryError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (error, wait) = match self.try_once(ask).await {
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

    /// Asks once, following challenges and redirects.
    pub(crate) async fn once(&self, ask: &Ask<'_>) -> Result<Answer, RegistryError> {
        match self.try_once(ask).await? {
            Tried::Answer(answer) => Ok(answer),
            Tried::Later(error, _) => Err(error),
        }
    }

    async fn try_once(&self, ask: &Ask<'_>) -> Result<Tried, RegistryError> {
        let mut current = ask.url.clone();
        let mut redirects = 0;
        let mut challenged = false;
        loop {
            let ours = current.same_origin(&self.endpoint.root);
            let mut answer = self.send(&current, ask, ours).await?;
            match answer.status {
                status if ask.good.contains(&status) => return Ok(Tried::Answer(answer)),
                status if leads_on(status, &ask.method) => {
                    redirects += 1;
                    if redirects > REDIRECTS_MAX {
                        let url = ask.url.to_string();
                        return Err(RegistryError::Redirects { url, limit: REDIRECTS_MAX });
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
            purpose: self.purpose,
            reference: &self.familiar,
            repository: &self.familiar_name,
            registry: &self.endpoint.registry,
        }
    }

    /// Sends with our authorisation only to whom it is meant for.
    async fn send(&self, url: &Url, ask: &Ask<'_>, ours: bool) -> Result<Answer, RegistryError> {
        let mut request = Request::builder()
            .method(&ask.method)
            .uri(&url.path)
            .header(USER_AGENT, &self.transport.config.user_agent)
            // Bytes must come as they are stored: a layer that is gzip is not a tar sent with gzip.
            .header(ACCEPT_ENCODING, "identity");
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if ours {
            for (name, value) in &self.endpoint.headers {
                request = request.header(name, value);
            }
            if let Some(header) = self.authorization.header() {
                request = request.header(AUTHORIZATION, header);
            }
        }
        let request =
            request.body(ask.body.clone()).map_err(|_| RegistryError::answer(url, "it is no path"))?;
        let verify = match ours {
            true => self.endpoint.verify,
            false => !is_insecure(&url.authority(), &self.transport.config),
        };
        let trust = Trust {
            verify,
            alias: ours.then_some(self.endpoint.registry.as_str()),
            files: ours.then_some(&self.endpoint.files),
        };
        self.transport.send(url, trust, request).await
    }
}

/// Whether a status sends us elsewhere. Those that let a client turn a POST into a GET mean nothing for the others.
fn leads_on(status: StatusCode, method: &Method) -> bool {
    let reading = matches!(*method, Method::GET | Method::HEAD);
    match status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => reading,
        _ => false,
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
