//! One request and the beginning of its answer: connections, TLS, reuse, time limits. Knows nothing of registries.

use crate::body::Body;
use crate::config::Config;
use crate::endpoint::HostFiles;
use crate::error::RegistryError;
use crate::tls::Tls;
use crate::url::Url;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How many connections to one host wait for another request.
const IDLE_MAX: usize = 4;

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

type Sender = SendRequest<Body>;

/// How a host is to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trust<'a> {
    /// Whether its certificate must be vouched for.
    pub(crate) verify: bool,
    /// Another name that its directory of certificates may have.
    pub(crate) alias: Option<&'a str>,
    /// Certificates that only count for it.
    pub(crate) files: Option<&'a HostFiles>,
}

/// Connections to any host.
pub(crate) struct Transport {
    pub(crate) config: Config,
    tls: Tls,
    idle: RefCell<HashMap<(bool, String, bool), Vec<Sender>>>,
}

/// The beginning of an answer, and the rest to come.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    host: String,
    idle_timeout: Duration,
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Self {
        Self { config: config.clone(), tls: Tls::default(), idle: RefCell::default() }
    }

    /// Sends a request whose URI is the path alone; the `Host` header is added here.
    pub(crate) async fn send(
        &self,
        url: &Url,
        trust: Trust<'_>,
        mut request: Request<Body>,
    ) -> Result<Answer, RegistryError> {
        let host =
            url.authority().parse().map_err(|_| RegistryError::answer(url, "its host is no header value"))?;
        request.headers_mut().insert(http::header::HOST, host);
        let key = (url.secure, url.host_and_port(), trust.verify);
        // What was begun on one connection must not be begun again on another without asking how far it came.
        let repeatable = !matches!(*request.method(), Method::PATCH | Method::PUT);
        if let Some(mut sender) = self.take_idle(&key).filter(|_| repeatable) {
            // The other side may have closed it just now; then a new one serves.
            if let Ok(response) = self.exchange(url, &mut sender, request.clone()).await {
                return Ok(self.answer(key, sender, response));
            }
        }
        let mut sender = self.connect(url, trust).await?;
        let response = self.exchange(url, &mut sender, request).await?;
        Ok(self.answer(key, sender, response))
    }

    /// Sends and waits until the answer begins; as long as the body moves, that may take its time.
    async fn exchange(
        &self,
        url: &Url,
        sender: &mut Sender,
        request: Request<Body>,
    ) -> Result<http::Response<Incoming>, RegistryError> {
        let sent = request.body().sent();
        let so_far = || sent.as_ref().map(|sent| sent.get());
        let mut before = so_far();
        let mut response = std::pin::pin!(sender.send_request(request));
        loop {
            match tokio::time::timeout(self.config.idle_timeout, response.as_mut()).await {
                Ok(done) => {
                    return done.map_err(|source| RegistryError::Broken { host: url.authority(), source });
                }
                Err(_) if so_far() != before => before = so_far(),
                Err(_) => return Err(self.too_slow(url, "answer")),
            }
        }
    }

    fn answer(
        &self,
        key: (bool, String, bool),
        sender: Sender,
        response: http::Response<Incoming>,
    ) -> Answer {
        let host = key.1.clone();
        let mut idle = self.idle.borrow_mut();
        let waiting = idle.entry(key).or_default();
        if waiting.len() < IDLE_MAX {
            waiting.push(sender);
        }
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            host,
            idle_timeout: self.config.idle_timeout,
        }
    }

    /// A connection whose last answer was read to its end.
    fn take_idle(&self, key: &(bool, String, bool)) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        let waiting = idle.get_mut(key)?;
        waiting.retain(|sender| !sender.is_closed());
        let at = waiting.iter().position(SendRequest::is_ready)?;
        Some(waiting.swap_remove(at))
    }

    fn too_slow(&self, url: &Url, doing: &'static str) -> RegistryError {
        let seconds = match doing {
            "connect" => self.config.connect_timeout,
            _ => self.config.idle_timeout,
        };
        RegistryError::Timeout { host: url.authority(), doing, seconds: seconds.as_secs() }
    }

    async fn connect(&self, url: &Url, trust: Trust<'_>) -> Result<Sender, RegistryError> {
        let stream = tokio::time::timeout(self.config.connect_timeout, self.open(url, trust))
            .await
            .map_err(|_| self.too_slow(url, "connect"))??;
        let broken = |source| RegistryError::Broken { host: url.authority(), source };
        let (sender, connection) =
            http1::Builder::new().max_headers(200).handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Ends when the sender and the answer are dropped; what breaks it breaks the request too, and is told there.
        tokio::task::spawn_local(async move {
            let _ = connection.await;
        });
        Ok(sender)
    }

    async fn open(&self, url: &Url, trust: Trust<'_>) -> Result<Box<dyn Stream>, RegistryError> {
        let failed = |source| RegistryError::Connect { host: url.authority(), source };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in self.resolve(url).await.map_err(failed)? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Requests are small and wait for an answer each.
                    stream.set_nodelay(true).map_err(failed)?;
                    return self.encrypt(url, trust, stream).await;
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    async fn resolve(&self, url: &Url) -> io::Result<Vec<SocketAddr>> {
        if let Some(address) = self.config.addresses.get(&url.host_and_port()) {
            return Ok(vec![*address]);
        }
        let host = url.host.trim_matches(['[', ']']);
        Ok(tokio::net::lookup_host((host, url.port)).await?.collect())
    }

    async fn encrypt(
        &self,
        url: &Url,
        trust: Trust<'_>,
        stream: TcpStream,
    ) -> Result<Box<dyn Stream>, RegistryError> {
        if !url.secure {
            return Ok(Box::new(stream));
        }
        let failed = |source| RegistryError::Tls { host: url.authority(), source };
        let (authority, full) = (url.authority(), url.host_and_port());
        let mut names: Vec<&str> = vec![&authority, &full];
        names.extend(trust.alias);
        names.dedup();
        let settings = self.tls.settings(&self.config, &names, trust)?;
        let host = url.host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| failed(io::Error::other(error)))?;
        let stream = TlsConnector::from(settings).connect(name, stream).await.map_err(failed)?;
        Ok(Box::new(stream))
    }
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            let frame = tokio::time::timeout(self.idle_timeout, self.body.frame()).await.map_err(|_| {
                let seconds = self.idle_timeout.as_secs();
                RegistryError::Timeout { host: self.host.clone(), doing: "go on sending", seconds }
            })?;
            match frame {
                None => return Ok(None),
                Some(Err(source)) => return Err(RegistryError::Broken { host: self.host.clone(), source }),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole body, or as much as `max` bytes of it and that there is more.
    pub(crate) async fn body(&mut self, max: u64) -> Result<(Vec<u8>, bool), RegistryError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece().await? {
            let room = (max - bytes.len() as u64).min(piece.len() as u64) as usize;
            bytes.extend_from_slice(&piece[..room]);
            if room < piece.len() {
                return Ok((bytes, true));
            }
        }
        Ok((bytes, false))
    }

    /// Host and port of who answers.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}
