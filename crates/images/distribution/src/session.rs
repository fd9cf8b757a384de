//! A conversation with the registry of one reference, for a caller that blocks.

use crate::authorization::Authorization;
use crate::blob::{self, BlobEvent, BlobJob, Transfer};
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{Purpose, RegistryError};
use crate::exchange::Exchange;
use crate::manifest::{self, Fetched, ManifestTarget};
use crate::policy::{self, Wanted};
use crate::transport::Transport;
use crate::upload::{self, UploadEvent, UploadJob};
use content::{BlobWriter, Claimed, ContentError};
use ids::{Digest, Reference};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// How often a blob that somebody else transfers is looked for. They hold a lock, which cannot be waited for here.
const ELSEWHERE_POLL: Duration = Duration::from_millis(50);

/// A conversation with a registry. Its runtime lives as long as it does.
pub struct Session {
    runtime: Runtime,
    local: LocalSet,
    /// The way that answered, or the first to try.
    exchange: Exchange,
    /// The ways not tried yet.
    others: VecDeque<Endpoint>,
}

impl Session {
    /// Prepares; nothing is sent yet.
    ///
    /// # Errors
    /// When the configuration has a bad URL or the runtime cannot be started.
    pub fn open(config: &Config, reference: &Reference, purpose: Purpose) -> Result<Self, RegistryError> {
        let wanted = Wanted {
            registry: reference.registry(),
            repository: reference.repository(),
            by_digest: reference.digest().is_some(),
            purpose,
        };
        let mut others: VecDeque<Endpoint> = policy::ways(wanted, config)?.into();
        let first = others.pop_front().ok_or_else(|| RegistryError::Url {
            url: reference.registry().into(),
            problem: "there is no way to this registry",
        })?;
        let runtime = runtime()?;
        let exchange = Exchange {
            transport: Transport::new(config),
            authorization: authorization(&first, purpose),
            endpoint: first,
            purpose,
            familiar_name: reference.familiar_name().to_owned(),
            familiar: reference.familiar(),
        };
        Ok(Self { runtime, local: LocalSet::new(), exchange, others })
    }

    /// Fetches a manifest or index, verified against the digest if there is one. The first call finds the way that
    /// works: mirrors first; without TLS only where that is allowed and TLS is not spoken.
    ///
    /// # Errors
    /// When the registry cannot be reached, refuses, or lies.
    pub fn manifest(&mut self, target: &ManifestTarget) -> Result<Fetched, RegistryError> {
        self.first_way(&async |exchange: &Exchange| manifest::fetch(exchange, target).await)
    }

    /// Finds the way that works without asking for anything; for who writes.
    ///
    /// # Errors
    /// When the registry cannot be reached or refuses.
    pub fn greet(&mut self) -> Result<(), RegistryError> {
        self.first_way(&async |exchange: &Exchange| crate::login::greet(exchange).await)
    }

    fn first_way<T>(
        &mut self,
        ask: &impl AsyncFn(&Exchange) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        loop {
            let error = match self.local.block_on(&self.runtime, ask(&self.exchange)) {
                Ok(answer) => {
                    self.others.clear();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            match self.others.pop_front() {
                Some(next) if self.gives_way(&error) => {
                    self.exchange.authorization = authorization(&next, self.exchange.purpose);
                    self.exchange.endpoint = next;
                }
                _ => return Err(error),
            }
        }
    }

    /// Whether a failure lets another way be tried: any failure of a mirror, but only a connection that could not be
    /// made of the registry itself.
    fn gives_way(&self, error: &RegistryError) -> bool {
        self.exchange.endpoint.mirror || error.is_no_connection()
    }

    /// Fetches blobs, `at_once` of them at the same time, in their order. `open` is asked for the writer of one when its
    /// turn comes; one that somebody else transfers is asked for again later, and is done when it is stored. `told`
    /// hears how far each is, and ends the work with `Break` ([`RegistryError::Stopped`]); `done` gets the writer with
    /// the blob's place as soon as all bytes came and were verified.
    ///
    /// # Errors
    /// The first failure; the other transfers end with it.
    pub fn blobs(
        &mut self,
        jobs: &[BlobJob],
        at_once: usize,
        open: &dyn Fn(&BlobJob) -> Result<Claimed, ContentError>,
        told: &dyn Fn(&Digest, BlobEvent) -> ControlFlow<()>,
        done: &mut dyn FnMut(usize, BlobWriter) -> ControlFlow<()>,
    ) -> Result<(), RegistryError> {
        let exchange = &self.exchange;
        let workers = at_once.clamp(1, jobs.len().max(1));
        let queue = RefCell::new(jobs.iter().enumerate().collect::<VecDeque<_>>());
        let done = RefCell::new((done, false));
        let worker = async || -> Result<(), RegistryError> {
            loop {
                let next = if done.borrow().1 { None } else { queue.borrow_mut().pop_front() };
                let Some((at, job)) = next else { return Ok(()) };
                let host = || exchange.endpoint.root.authority();
                let claimed = open(job).map_err(|source| RegistryError::Content { host: host(), source })?;
                let writer = match claimed {
                    Claimed::Ours(writer) => writer,
                    Claimed::Stored => continue,
                    Claimed::Elsewhere => {
                        queue.borrow_mut().push_back((at, job));
                        if told(&job.digest, BlobEvent::Elsewhere).is_break() {
                            return Err(RegistryError::Stopped);
                        }
                        tokio::time::sleep(ELSEWHERE_POLL).await;
                        continue;
                    }
                };
                let mut transfer = Transfer { digest: &job.digest, size: job.size, writer };
                blob::fetch(exchange, &mut transfer, &|event| told(&job.digest, event)).await?;
                let mut done = done.borrow_mut();
                done.1 |= (done.0)(at, *transfer.writer).is_break();
            }
        };
        let work = all((0..workers).map(|_| Box::pin(worker()) as Work<'_, RegistryError>).collect());
        self.local.block_on(&self.runtime, work)
    }
}

impl Session {
    /// Uploads blobs, `at_once` of them at the same time; those that the registry has are not sent. `told` hears how far
    /// each is, by its place, and ends the work with `Break` ([`RegistryError::Stopped`]).
    ///
    /// # Errors
    /// The first failure; the other uploads end with it.
    pub fn uploads(
        &mut self,
        jobs: &[UploadJob],
        at_once: usize,
        told: &dyn Fn(usize, UploadEvent) -> ControlFlow<()>,
    ) -> Result<(), RegistryError> {
        let exchange = &self.exchange;
        let workers = at_once.clamp(1, jobs.len().max(1));
        let queue = RefCell::new(jobs.iter().enumerate());
        let worker = async || -> Result<(), RegistryError> {
            loop {
                let next = queue.borrow_mut().next();
                let Some((at, job)) = next else { return Ok(()) };
                upload::upload(exchange, job, &|event| told(at, event)).await?;
            }
        };
        let work = all((0..workers).map(|_| Box::pin(worker()) as Work<'_, RegistryError>).collect());
        self.local.block_on(&self.runtime, work)
    }

    /// Uploads a manifest or index as it is; its digest.
    ///
    /// # Errors
    /// When the registry refuses it, or has become another.
    pub fn put_manifest(
        &mut self,
        target: &ManifestTarget,
        bytes: &[u8],
        media_type: &str,
    ) -> Result<Digest, RegistryError> {
        let put = manifest::put(&self.exchange, target, bytes, media_type);
        self.local.block_on(&self.runtime, put)
    }
}

fn authorization(endpoint: &Endpoint, purpose: Purpose) -> Authorization {
    let authorization = Authorization::default();
    authorization.want(format!("repository:{}:{}", endpoint.repository, purpose.actions()));
    authorization
}

fn runtime() -> Result<Runtime, RegistryError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|source| RegistryError::Runtime { source })
}

/// Runs one conversation on a runtime of its own.
pub(crate) fn block_on<T>(local: &LocalSet, work: impl Future<Output = T>) -> Result<T, RegistryError> {
    Ok(local.block_on(&runtime()?, work))
}

/// One of a handful of transfers.
type Work<'a, E> = Pin<Box<dyn Future<Output = Result<(), E>> + 'a>>;

/// Runs a handful of futures to their end, or to the first error.
async fn all<E>(mut futures: Vec<Work<'_, E>>) -> Result<(), E> {
    std::future::poll_fn(|context| {
        let mut at = 0;
        while at < futures.len() {
            match futures[at].as_mut().poll(context) {
                Poll::Ready(Ok(())) => drop(futures.swap_remove(at)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => at += 1,
            }
        }
        if futures.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}
