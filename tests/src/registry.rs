//! Registries for tests: Debian's `docker-registry`, and one whose every answer a test scripts.

use crate::{Invocation, Sampan, eventually, fixture};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET` …
    pub method: String,
    /// With the query.
    pub path: String,
    headers: Vec<(String, String)>,
    /// The body, by its `Content-Length`.
    pub body: Vec<u8>,
}

impl Request {
    /// A header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where `Range: bytes=N-` begins.
    #[must_use]
    pub fn range_start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// The connection to answer on; it is closed after each answer.
pub struct Replier {
    stream: TcpStream,
}

impl Replier {
    /// A head that promises a body of `length` bytes.
    pub fn head(&mut self, status: u16, headers: &[(&str, &str)], length: usize) {
        let mut head =
            format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {length}\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.piece(format!("{head}\r\n").as_bytes());
    }

    /// Bytes of the body. Who has gone away does not get them.
    pub fn piece(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
    }

    /// A whole answer.
    pub fn reply(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        self.head(status, headers, body.len());
        self.piece(body);
    }

    /// A blob as a server with ranges gives it.
    pub fn blob(&mut self, request: &Request, bytes: &[u8]) {
        match request.range_start() {
            Some(start) => {
                let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
                self.reply(206, &[("Content-Range", &range)], &bytes[start..]);
            }
            None => self.reply(200, &[], bytes),
        }
    }
}

type Script = dyn Fn(&Request, &mut Replier) + Send + Sync;

/// A server on a free port of this test's loopback that answers by a script and remembers what it was asked.
pub struct Scripted {
    /// `localhost:port`.
    pub host: String,
    asked: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Scripted {
    /// Starts it.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start(script: impl Fn(&Request, &mut Replier) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let host = format!("localhost:{}", listener.local_addr().expect("an address").port());
        let (asked, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let script: Arc<Script> = Arc::new(script);
        let thread = thread::spawn({
            let (asked, stop) = (Arc::clone(&asked), Arc::clone(&stop));
            move || {
                for stream in listener.incoming().flatten() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let (asked, script) = (Arc::clone(&asked), Arc::clone(&script));
                    thread::spawn(move || serve(stream, &*script, &asked));
                }
            }
        });
        Self { host, asked, stop, thread: Some(thread) }
    }

    /// What was asked so far.
    ///
    /// # Panics
    /// When a script panicked.
    #[must_use]
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("no poison").clone()
    }

    /// How many requests have `part` in their path.
    #[must_use]
    pub fn count(&self, part: &str) -> usize {
        self.asked().iter().filter(|request| request.path.contains(part)).count()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.host.replace("localhost", "127.0.0.1"));
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn serve(stream: TcpStream, script: &Script, asked: &Mutex<Vec<Request>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
    let Ok(reader) = stream.try_clone() else { return };
    let Some(request) = read_request(&mut BufReader::new(reader)) else { return };
    asked.lock().expect("no poison").push(request.clone());
    script(&request, &mut Replier { stream });
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let mut request =
        Request { method: words.next()?.to_owned(), path: words.next()?.to_owned(), ..Request::default() };
    words.next().filter(|version| version.starts_with("HTTP/1"))?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// `sha256:…` of bytes, by coreutils.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", &Invocation::new("sha256sum", ["-"]).input(bytes).run().ok().stdout()[..64])
}

/// An image of one uncompressed layer for a [`Scripted`] registry.
#[derive(Debug, Clone)]
pub struct OneLayer {
    /// A tar archive with the file `noise`.
    pub layer: Vec<u8>,
    /// `layer`'s digest.
    pub layer_digest: String,
    config: Vec<u8>,
    config_digest: String,
    manifest: Vec<u8>,
}

/// The media type of its manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a list of images by platform.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl OneLayer {
    /// With a file of about `size` bytes that cannot be compressed.
    #[must_use]
    pub fn new(sampan: &Sampan, size: usize) -> Self {
        let file = sampan.directory().join("noise");
        let mut seed = 7u32;
        let noise: Vec<u8> = (0..size)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        std::fs::write(&file, noise).expect("a file");
        let directory = sampan.directory().to_str().expect("text").to_owned();
        let packed = Invocation::new("tar", ["-C", &directory, "-cf", "-", "noise"]).run().ok();
        let layer = packed.stdout_bytes().to_vec();
        let layer_digest = digest(&layer);
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{layer_digest}"]}}}}"#
        )
        .into_bytes();
        let config_digest = digest(&config);
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config_digest}","size":{}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{layer_digest}","size":{}}}]}}"#,
            config.len(),
            layer.len()
        )
        .into_bytes();
        Self { layer, layer_digest, config, config_digest, manifest }
    }

    /// Its manifest with another type of its layer.
    #[must_use]
    pub fn manifest_with(&self, layer_type: &str) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.manifest);
        text.replace("application/vnd.oci.image.layer.v1.tar", layer_type).into_bytes()
    }

    /// An index that offers it for one architecture alone.
    #[must_use]
    pub fn index_for(&self, architecture: &str) -> Vec<u8> {
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{MANIFEST}","digest":"{}","size":{},"platform":{{"architecture":"{architecture}","os":"linux"}}}}]}}"#,
            digest(&self.manifest),
            self.manifest.len()
        )
        .into_bytes()
    }

    /// Answers honestly.
    pub fn answer(&self, request: &Request, replier: &mut Replier) {
        if request.path.contains("/manifests/") {
            replier.reply(200, &[("Content-Type", MANIFEST)], &self.manifest);
        } else if request.path.ends_with(&self.layer_digest) {
            replier.blob(request, &self.layer);
        } else if request.path.ends_with(&self.config_digest) {
            replier.blob(request, &self.config);
        } else {
            replier.reply(404, &[], b"{}");
        }
    }
}

/// Debian's `docker-registry` on a free port of this test's loopback; it ends with the value.
pub struct Registry {
    process: Child,
    /// `localhost:port`.
    pub host: String,
}

impl Registry {
    /// An open one that holds `busybox:1`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(sampan: &Sampan) -> Self {
        let registry = Self::start_with(sampan, "");
        registry.fill("busybox:1", &[]);
        registry
    }

    /// An empty one, with more lines of configuration.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with(sampan: &Sampan, configuration: &str) -> Self {
        Self::start_in_block(sampan, &format!("\n{configuration}"))
    }

    /// An empty one, with more lines in its block `http`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_in_block(sampan: &Sampan, http: &str) -> Self {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("an address").port()
        };
        let directory = sampan.directory().join(format!("registry-{port}"));
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp:\n  addr: 127.0.0.1:{port}\n{http}\n",
            directory.display()
        );
        let file = sampan.directory().join(format!("registry-{port}.yml"));
        std::fs::write(&file, text).expect("a written file");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry");
        eventually("the registry listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process, host: format!("localhost:{port}") }
    }

    /// Puts busybox under a name, by skopeo, with more of its options.
    pub fn fill(&self, name: &str, options: &[&str]) {
        let from = format!("oci:{}:latest", fixture::busybox_layout().display());
        let to = format!("docker://{}/{name}", self.host);
        let words = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"];
        let words = words.iter().chain(options).copied().chain([from.as_str(), to.as_str()]);
        let _ = Invocation::new("skopeo", words).run().ok();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
