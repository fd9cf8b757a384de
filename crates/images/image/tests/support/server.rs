//! A small HTTP server whose answers a test scripts, with or without TLS, that remembers what it was asked.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Closes after so many bytes of the body.
    cut: Option<usize>,
    /// Announces this length instead of the true one.
    length: Option<u64>,
    chunked: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
    pub(crate) fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }
    pub(crate) fn length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }
    /// What a server with ranges answers.
    pub(crate) fn ranged(request: &Request, body: &[u8]) -> Self {
        let start = request
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        match start {
            Some(start) => Self::new(206, &body[start..])
                .header("Content-Range", format!("bytes {start}-{}/{}", body.len() - 1, body.len())),
            None => Self::new(200, body),
        }
    }
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    pub(crate) fn plain(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(script))
    }

    pub(crate) fn tls(
        identity: &Identity,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(Arc::clone(&identity.settings)), Arc::new(script))
    }

    fn start(tls: Option<Arc<rustls::ServerConfig>>, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let log = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (log, stop) = (Arc::clone(&log), Arc::clone(&stop));
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    let (log, script, tls) = (Arc::clone(&log), Arc::clone(&script), tls.clone());
                    std::thread::spawn(move || serve(stream, tls, &*script, &log));
                }
            }
        });
        Self { address, log, stop, thread: Some(thread) }
    }

    /// `127.0.0.1:port`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.lock().expect("no poison").clone()
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.requests().iter().filter(|request| request.path.contains(part)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    script: &Script,
    log: &Mutex<Vec<Request>>,
) {
    let _ = stream.set_read_timeout(Some(std::time::Duration::from_secs(20)));
    match tls {
        None => converse(stream, script, log),
        Some(settings) => {
            let connection = rustls::ServerConnection::new(settings).expect("a TLS connection");
            converse(rustls::StreamOwned::new(connection, stream), script, log);
        }
    }
}

fn converse(stream: impl Read + Write, script: &Script, log: &Mutex<Vec<Request>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream) {
        log.lock().expect("no poison").push(request.clone());
        if !write_reply(stream.get_mut(), &script(&request)) {
            return;
        }
    }
}

fn read_request(stream: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    if !words.next()?.starts_with("HTTP/1.1") {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Whether the connection goes on.
fn write_reply(stream: &mut impl Write, reply: &Reply) -> bool {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = reply.length.unwrap_or(reply.body.len() as u64);
    head.push_str(&if reply.chunked {
        "Transfer-Encoding: chunked\r\n\r\n".to_owned()
    } else {
        format!("Content-Length: {length}\r\n\r\n")
    });
    let body = &reply.body[..reply.cut.unwrap_or(reply.body.len()).min(reply.body.len())];
    let mut out = head.into_bytes();
    if reply.chunked {
        for chunk in body.chunks(8192) {
            out.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        if reply.cut.is_none() {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    } else {
        out.extend_from_slice(body);
    }
    stream.write_all(&out).and_then(|()| stream.flush()).is_ok()
        && reply.cut.is_none()
        && length == reply.body.len() as u64
}

/// A certificate for some names, and the authority that signed it.
pub(crate) struct Identity {
    settings: Arc<rustls::ServerConfig>,
    pub(crate) authority: std::path::PathBuf,
}

impl Identity {
    /// Made with openssl(1), in `dir`.
    pub(crate) fn make(dir: &Path, names: &str) -> Option<Self> {
        if !super::installed("openssl") {
            return None;
        }
        let path = |name: &str| dir.join(name).to_str().expect("text").to_owned();
        let (ca, ca_key, key, request, certificate) =
            (path("ca.pem"), path("ca.key"), path("host.key"), path("host.csr"), path("host.pem"));
        let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let req = |arguments: &[&str]| super::run("openssl", &[&["req"], &ec[..], arguments].concat());
        req(&["-x509", "-days", "2", "-subj", "/CN=Test authority", "-keyout", &ca_key, "-out", &ca]);
        req(&["-subj", "/CN=host", "-keyout", &key, "-out", &request]);
        let extensions = super::file(dir, "ext", format!("subjectAltName={names}\n").as_bytes());
        let extensions = extensions.to_str().expect("text");
        super::run(
            "openssl",
            &[
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                &request,
                "-CA",
                &ca,
                "-CAkey",
                &ca_key,
                "-CAcreateserial",
            ]
            .iter()
            .chain(&["-extfile", extensions, "-out", &certificate])
            .copied()
            .collect::<Vec<_>>(),
        );
        let chain = vec![CertificateDer::from_pem_file(&certificate).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(&key).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let settings = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a usable certificate");
        Some(Self { settings: Arc::new(settings), authority: ca.into() })
    }
}
