//! Fetching blobs: resumed where they broke, checked while they come.

use crate::error::RegistryError;
use crate::exchange::Exchange;
use crate::retry;
use crate::transport::Answer;
use crate::url::Url;
use content::{BlobWriter, ContentError};
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use ids::Digest;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;

/// A try that brought this many bytes does not count as failed: a long download may break often.
const PROGRESS: u64 = 1 << 20;
/// How often progress is told, in bytes.
const TELL_EVERY: u64 = 256 << 10;

/// A blob to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobJob {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A blob under way.
pub(crate) struct Transfer<'a> {
    pub(crate) digest: &'a Digest,
    pub(crate) size: u64,
    pub(crate) writer: Box<BlobWriter>,
}

/// How far one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobEvent {
    /// So many bytes came.
    Bytes(u64),
    /// Somebody else on this host transfers it.
    Elsewhere,
    /// It broke and is tried again.
    Retry {
        /// After this long.
        after: Duration,
        /// Why.
        reason: String,
    },
}

/// Fetches until all bytes are there and are what was promised. The writer is not committed. What a passing trouble
/// leaves is kept for another time, what is wrong is not.
pub(crate) async fn fetch(
    exchange: &Exchange,
    job: &mut Transfer<'_>,
    told: &dyn Fn(BlobEvent) -> ControlFlow<()>,
) -> Result<(), RegistryError> {
    if job.writer.written() > 0 {
        go_on(told(BlobEvent::Bytes(job.writer.written())))?;
    }
    loop {
        if let Err(error) = fetch_rest(exchange, job, told).await {
            if !error.is_passing() {
                job.writer.give_up();
            }
            return Err(error);
        }
        let host = || exchange.endpoint.root.authority();
        let refused = |source| RegistryError::Content { host: host(), source };
        if job.writer.verify() {
            return Ok(());
        }
        if job.writer.adopted() == 0 {
            job.writer.give_up();
            let (expected, actual) = (job.digest.clone(), job.writer.digest());
            return Err(refused(ContentError::Digest { expected, actual }));
        }
        // What an earlier transfer left was not what it seemed: all of it again.
        job.writer.restart().map_err(refused)?;
    }
}

fn go_on(flow: ControlFlow<()>) -> Result<(), RegistryError> {
    if flow.is_break() { Err(RegistryError::Stopped) } else { Ok(()) }
}

async fn fetch_rest(
    exchange: &Exchange,
    job: &mut Transfer<'_>,
    told: &dyn Fn(BlobEvent) -> ControlFlow<()>,
) -> Result<(), RegistryError> {
    if job.writer.written() == job.size && job.size > 0 {
        return Ok(());
    }
    let url = exchange.endpoint.url(&format!("blobs/{}", job.digest));
    let retrying = |after: Duration, error: &RegistryError| {
        // Whether to go on is asked again when bytes come.
        let _ = told(BlobEvent::Retry { after, reason: error.to_string() });
    };
    let mut attempt = 0;
    loop {
        let before = job.writer.written();
        let range = if before > 0 { vec![(RANGE, format!("bytes={before}-"))] } else { Vec::new() };
        let mut answer = exchange.get(&url, &range, &retrying).await?;
        let error = match receive(&url, job, &mut answer, told).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_passing() => error,
            Err(error) => return Err(error),
        };
        attempt = if job.writer.written() >= before + PROGRESS { 1 } else { attempt + 1 };
        if attempt > exchange.transport.config.retries {
            return Err(error);
        }
        let wait = retry::delay(exchange.transport.config.retry_delay, attempt);
        retrying(wait, &error);
        tokio::time::sleep(wait).await;
    }
}

async fn receive(
    url: &Url,
    job: &mut Transfer<'_>,
    answer: &mut Answer,
    told: &dyn Fn(BlobEvent) -> ControlFlow<()>,
) -> Result<(), RegistryError> {
    let host = answer.host().to_owned();
    let refused = |source| RegistryError::Content { host: host.clone(), source };
    prepare(url, job, answer)?;
    let mut last_told = job.writer.written();
    while let Some(piece) = answer.piece().await? {
        job.writer.write_all(&piece).map_err(|error| match error.downcast::<ContentError>() {
            Ok(known) => refused(known),
            Err(source) => {
                refused(ContentError::Io { action: "write", path: job.digest.as_str().into(), source })
            }
        })?;
        let written = job.writer.written();
        if written - last_told >= TELL_EVERY || written == job.size {
            last_told = written;
            go_on(told(BlobEvent::Bytes(written)))?;
        }
    }
    match job.writer.written() {
        written if written == job.size => Ok(()),
        written => Err(refused(ContentError::Length { expected: job.size, actual: written })),
    }
}

/// Checks what an answer says about what follows, and brings the writer to where it begins.
fn prepare(url: &Url, job: &mut Transfer<'_>, answer: &Answer) -> Result<(), RegistryError> {
    let bad = |problem: String| RegistryError::answer(url, problem);
    if let Some(encoding) = answer.header(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(bad(format!("the encoding {encoding:?}, which was not asked for")));
    }
    let offset = job.writer.written();
    let expected = match answer.status {
        StatusCode::PARTIAL_CONTENT => {
            let range = answer.header(CONTENT_RANGE).unwrap_or_default();
            if range_start(range) != Some(offset) {
                return Err(bad(format!("the range {range:?} instead of the bytes from {offset} on")));
            }
            job.size.saturating_sub(offset)
        }
        StatusCode::OK => {
            restart(job, answer)?;
            job.size
        }
        // Somebody on the way forgot that it is so long; from the start then.
        _ => {
            restart(job, answer)?;
            return Err(RegistryError::Status {
                url: url.to_string(),
                status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
                message: "the rest of the blob is not to be had".into(),
            });
        }
    };
    match answer.header(CONTENT_LENGTH).map(str::parse::<u64>) {
        Some(Ok(length)) if length != expected => Err(RegistryError::Content {
            host: answer.host().to_owned(),
            source: ContentError::Length { expected: job.size, actual: job.size - expected + length },
        }),
        _ => Ok(()),
    }
}

fn restart(job: &mut Transfer<'_>, answer: &Answer) -> Result<(), RegistryError> {
    if job.writer.written() == 0 {
        return Ok(());
    }
    job.writer.restart().map_err(|source| RegistryError::Content { host: answer.host().to_owned(), source })
}

/// The first byte of `bytes a-b/c` (RFC 9110 section 14.4).
fn range_start(header: &str) -> Option<u64> {
    header.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_begin_where_they_say() {
        assert_eq!(range_start("bytes 100-199/200"), Some(100));
        for header in ["", "bytes */200", "100-199/200", "bytes x-1/2"] {
            assert_eq!(range_start(header), None);
        }
    }
}
