//! Uploading blobs: what is there is not sent, what a neighbour has is mounted, what broke goes on (distribution-spec
//! 1.1, "Pushing blobs").

use crate::answer::FAILURE_MAX;
use crate::body::{Body, FilePart};
use crate::error::RegistryError;
use crate::exchange::{Ask, Exchange};
use crate::retry;
use crate::transport::Answer;
use crate::url::{Url, encode};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName, LOCATION, RANGE};
use http::{Method, StatusCode};
use ids::Digest;
use std::cell::Cell;
use std::fs::File;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Up to this size a blob goes in one request.
const MONOLITHIC_MAX: u64 = 16 << 20;
/// How much a request of a larger one carries, unless the registry wants more: what is sent again at most when a
/// registry keeps nothing of a request that broke.
const CHUNK: u64 = 64 << 20;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// A blob to upload.
#[derive(Debug, Clone)]
pub struct UploadJob {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its bytes, from the start of the file.
    pub file: Arc<File>,
    /// Repositories of the same registry that have it, as far as we know, without the registry's name.
    pub neighbours: Vec<String>,
}

/// How far one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadEvent {
    /// So many bytes went.
    Bytes(u64),
    /// It broke and is tried again.
    Retry {
        /// After this long.
        after: Duration,
        /// Why.
        reason: String,
    },
    /// The registry had it in that repository.
    Exists,
    /// It was taken from a neighbour.
    Mounted {
        /// The neighbour's name.
        from: String,
    },
    /// All bytes went, and the registry found them right.
    Done,
}

/// An upload under way.
struct Upload<'a> {
    exchange: &'a Exchange,
    job: &'a UploadJob,
    told: &'a dyn Fn(UploadEvent) -> ControlFlow<()>,
}

/// Where an upload goes on.
struct Place {
    url: Url,
    /// Bytes that are there.
    at: u64,
    /// The least that a request but the last must carry.
    chunk_min: u64,
}

/// How to begin: with what is there already, or at a place.
enum Begun {
    Mounted(String),
    At(Place),
}

/// Uploads a blob unless the registry has it.
pub(crate) async fn upload(
    exchange: &Exchange,
    job: &UploadJob,
    told: &dyn Fn(UploadEvent) -> ControlFlow<()>,
) -> Result<(), RegistryError> {
    if has(exchange, &job.digest).await? {
        return go_on(told(UploadEvent::Exists));
    }
    Upload { exchange, job, told }.run().await
}

fn go_on(flow: ControlFlow<()>) -> Result<(), RegistryError> {
    if flow.is_break() { Err(RegistryError::Stopped) } else { Ok(()) }
}

/// Whether a repository has a blob.
async fn has(exchange: &Exchange, digest: &Digest) -> Result<bool, RegistryError> {
    let url = exchange.endpoint.url(&format!("blobs/{digest}"));
    let good = &[StatusCode::OK, StatusCode::NOT_FOUND];
    let ask = Ask { method: Method::HEAD, url: &url, headers: &[], body: Body::Empty, good };
    Ok(exchange.ask(&ask, &|_, _| {}).await?.status == StatusCode::OK)
}

impl Upload<'_> {
    async fn run(&self) -> Result<(), RegistryError> {
        let mut place = match self.begin().await? {
            Begun::Mounted(from) => return go_on((self.told)(UploadEvent::Mounted { from })),
            Begun::At(place) => place,
        };
        let (mut attempt, mut restarted) = (0, false);
        loop {
            let before = place.at;
            let error = match self.send_rest(&mut place).await {
                Ok(()) => return go_on((self.told)(UploadEvent::Done)),
                Err(error) if error.is_passing() => error,
                Err(error) => return Err(error),
            };
            attempt = if place.at > before { 1 } else { attempt + 1 };
            let config = &self.exchange.transport.config;
            if attempt > config.retries {
                return Err(error);
            }
            let after = retry::delay(config.retry_delay, attempt);
            go_on((self.told)(UploadEvent::Retry { after, reason: error.to_string() }))?;
            tokio::time::sleep(after).await;
            // The answer to the last request may be all that was lost.
            if has(self.exchange, &self.job.digest).await? {
                return go_on((self.told)(UploadEvent::Done));
            }
            place = match self.ask_how_far(&place).await? {
                Some(place) => place,
                // It is forgotten there, once; a registry that forgets again is not fed for ever.
                None if !std::mem::replace(&mut restarted, true) => match self.begin().await? {
                    Begun::Mounted(from) => return go_on((self.told)(UploadEvent::Mounted { from })),
                    Begun::At(place) => place,
                },
                None => return Err(error),
            };
        }
    }

    /// Mounts from a neighbour, or begins an upload. A registry that does not mount begins one at the same request.
    async fn begin(&self) -> Result<Begun, RegistryError> {
        let uploads = self.exchange.endpoint.url("blobs/uploads/");
        for from in &self.job.neighbours {
            self.exchange.authorization.want(format!("repository:{from}:pull"));
            let query = format!("?mount={}&from={}", encode(self.job.digest.as_str()), encode(from));
            let url = Url { path: format!("{}{query}", uploads.path), ..uploads.clone() };
            match self.post(&url).await {
                Ok(answer) if answer.status == StatusCode::CREATED => {
                    return Ok(Begun::Mounted(from.clone()));
                }
                Ok(answer) => return Ok(Begun::At(place_of(&url, &answer, 0)?)),
                // We may not read there, or it does not exist any more: then it is sent.
                Err(RegistryError::Denied { .. } | RegistryError::Status { status: 400..=499, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let answer = self.post(&uploads).await?;
        Ok(Begun::At(place_of(&uploads, &answer, 0)?))
    }

    /// An upload that is begun twice costs the registry a name, which it forgets.
    async fn post(&self, url: &Url) -> Result<Answer, RegistryError> {
        let good = &[StatusCode::CREATED, StatusCode::ACCEPTED];
        let ask = Ask { method: Method::POST, url, headers: &[], body: Body::Empty, good };
        finished(self.exchange.ask(&ask, &|_, _| {}).await?).await
    }

    async fn send_rest(&self, place: &mut Place) -> Result<(), RegistryError> {
        let size = self.job.size;
        let chunk = CHUNK.max(place.chunk_min);
        while size > MONOLITHIC_MAX && place.at < size {
            let end = (place.at + chunk).min(size);
            let range = format!("{}-{}", place.at, end - 1);
            let good = &[StatusCode::ACCEPTED, StatusCode::NO_CONTENT, StatusCode::CREATED];
            let answer = self.send(Method::PATCH, &place.url.clone(), place, end, Some(range), good).await?;
            *place = place_of(&place.url, &answer, end)?;
        }
        let joint = if place.url.path.contains('?') { '&' } else { '?' };
        let path = format!("{}{joint}digest={}", place.url.path, encode(self.job.digest.as_str()));
        let url = Url { path, ..place.url.clone() };
        let good = &[StatusCode::CREATED, StatusCode::NO_CONTENT];
        self.send(Method::PUT, &url, place, size, None, good).await.map(drop)
    }

    /// Sends the bytes from where the upload is to `end`, telling how far it is meanwhile.
    async fn send(
        &self,
        method: Method,
        url: &Url,
        place: &Place,
        end: u64,
        range: Option<String>,
        good: &[StatusCode],
    ) -> Result<Answer, RegistryError> {
        let sent = Rc::new(Cell::new(place.at));
        let body = if place.at == end {
            Body::Empty
        } else {
            let file = Arc::clone(&self.job.file);
            Body::File(FilePart { file, at: place.at, end, sent: Rc::clone(&sent) })
        };
        let mut headers: Vec<(HeaderName, String)> = vec![(CONTENT_TYPE, "application/octet-stream".into())];
        headers.extend(range.map(|range| (CONTENT_RANGE, range)));
        let ask = Ask { method, url, headers: &headers, body, good };
        let mut answer = std::pin::pin!(self.exchange.once(&ask));
        loop {
            match tokio::time::timeout(TELL_EVERY, answer.as_mut()).await {
                Ok(done) => return finished(done?).await,
                Err(_) => go_on((self.told)(UploadEvent::Bytes(sent.get())))?,
            }
        }
    }

    /// Where the registry says that the upload is; `None` when it does not know it any more.
    async fn ask_how_far(&self, place: &Place) -> Result<Option<Place>, RegistryError> {
        let good = &[StatusCode::NO_CONTENT, StatusCode::OK, StatusCode::ACCEPTED, StatusCode::NOT_FOUND];
        let ask = Ask { method: Method::GET, url: &place.url, headers: &[], body: Body::Empty, good };
        let answer = finished(self.exchange.ask(&ask, &|_, _| {}).await?).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let at = received(answer.header(RANGE));
        if at > self.job.size {
            return Ok(None);
        }
        let next = place_of(&place.url, &answer, at)?;
        Ok(Some(Place { chunk_min: next.chunk_min.max(place.chunk_min), ..next }))
    }
}

/// Reads what is left of an answer, so that its connection can serve again.
async fn finished(mut answer: Answer) -> Result<Answer, RegistryError> {
    answer.body(FAILURE_MAX).await?;
    Ok(answer)
}

fn place_of(from: &Url, answer: &Answer, at: u64) -> Result<Place, RegistryError> {
    let location = answer.header(LOCATION);
    let location = location.ok_or_else(|| RegistryError::answer(from, "an upload without a Location"))?;
    let url = from.join(location)?;
    if from.secure && !url.secure {
        return Err(RegistryError::Downgrade { from: from.to_string(), to: url.to_string() });
    }
    let chunk_min = answer.header("oci-chunk-min-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    Ok(Place { url, at, chunk_min })
}

/// How many bytes `0-N` says are there. An upload of no byte is told as `0-0`, and so is one of a single byte, which
/// is then sent again.
fn received(range: Option<&str>) -> u64 {
    let last = range.and_then(|range| {
        let range = range.strip_prefix("bytes=").unwrap_or(range);
        range.strip_prefix("0-")?.trim().parse::<u64>().ok()
    });
    last.filter(|last| *last > 0).map_or(0, |last| last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_one_more_than_the_last_place() {
        for (range, count) in
            [(Some("0-99"), 100), (Some("bytes=0-99"), 100), (Some("0-0"), 0), (None, 0), (Some("5-9"), 0)]
        {
            assert_eq!(received(range), count, "{range:?}");
        }
        assert_eq!(received(Some(&format!("0-{}", u64::MAX))), u64::MAX);
    }
}
