//! Pulls from the hub: a real registry, a token server and a content network under the hub's own names, encrypted, with
//! an authority of their own. `/etc` of the test's mount namespace says where the names lead and whom to trust.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use tests::census::Census;
use tests::tls::{Front, Identity};
use tests::{Invocation, Outcome, Sampan, eventually, fixture, isolated};

const REGISTRY: &str = "registry-1.docker.io";
const TOKENS: &str = "auth.docker.io";
const CONTENT: &str = "production.content.example";

/// The repository that the token server knows nothing of.
const PRIVATE: &str = "private";

/// What stands behind the hub's names.
struct Hub {
    tokens: Plain,
    content: Plain,
    identity: Identity,
    /// Dropped in this order: the fronts before what is behind them.
    _fronts: [Front; 3],
    _registry: Storage,
    _etc: Etc,
}

impl Hub {
    fn start(sampan: &Sampan) -> Self {
        let directory = sampan.directory().join("hub");
        fs::create_dir(&directory).unwrap();
        let storage = directory.join("storage");
        let etc = Etc::cover(&directory);
        let identity = Identity::new(&directory, &[REGISTRY, TOKENS, CONTENT]);
        let token = signed_token(&directory);
        fill(sampan, &storage);
        let registry = Storage::serve(sampan, &storage, &registry_settings(&directory));
        let tokens = Plain::start(move |asked| {
            let known = asked.path.contains("service=registry.docker.io")
                && asked.path.contains("scope=repository%3Alibrary%2Fweb%3Apull");
            // As the hub does: a token that opens nothing.
            let token = if known { &token } else { "nothing" };
            (200, format!(r#"{{"token":"{token}","expires_in":300}}"#).into_bytes())
        });
        // The blobs, as the content network gives them: who knows the address may have them, and who shows a token
        // that is not meant for it is refused.
        let content =
            Plain::start(move |asked| match (asked.authorised, fs::read(storage.join(&asked.path[1..]))) {
                (true, _) => (400, b"no authorisation, please".to_vec()),
                (false, Ok(bytes)) => (200, bytes),
                (false, Err(_)) => (404, Vec::new()),
            });
        let fronts =
            [("127.0.0.2", &registry.host), ("127.0.0.3", &tokens.host), ("127.0.0.4", &content.host)]
                .map(|(address, behind)| Front::start(&format!("{address}:443"), &identity, behind));
        fs::write(
            "/etc/hosts",
            format!("127.0.0.1 localhost\n127.0.0.2 {REGISTRY}\n127.0.0.3 {TOKENS}\n127.0.0.4 {CONTENT}\n"),
        )
        .unwrap();
        Self { tokens, content, identity, _fronts: fronts, _registry: registry, _etc: etc }
    }

    /// As a user has Docker trust a registry's own authority.
    fn trust(&self) {
        for name in ["docker.io", TOKENS, CONTENT] {
            let directory = Path::new("/etc/docker/certs.d").join(name);
            fs::create_dir_all(&directory).unwrap();
            fs::copy(&self.identity.authority, directory.join("ca.crt")).unwrap();
        }
    }
}

/// `/etc` below a layer of the test's own, in its mount namespace.
pub(crate) struct Etc;

impl Etc {
    pub(crate) fn cover(directory: &Path) -> Self {
        let (upper, work) = (directory.join("etc"), directory.join("etc-work"));
        fs::create_dir(&upper).unwrap();
        fs::create_dir(&work).unwrap();
        let options = format!("lowerdir=/etc,upperdir={},workdir={}", upper.display(), work.display());
        let _ = Invocation::new("mount", ["-t", "overlay", "-o", &options, "etc", "/etc"]).run().ok();
        let _ = fs::remove_dir_all("/etc/docker");
        Self
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        let _ = Invocation::new("umount", ["--lazy", "/etc"]).run();
    }
}

/// A registry that asks for tokens and gives blobs away, as the hub does.
fn registry_settings(directory: &Path) -> String {
    format!(
        "auth: {{token: {{realm: \"https://{TOKENS}/token\", service: registry.docker.io, issuer: {TOKENS}, \
         rootcertbundle: {}}}}}\n\
         middleware: {{storage: [{{name: redirect, options: {{baseurl: \"https://{CONTENT}/\"}}}}]}}",
        directory.join("tokens.pem").display()
    )
}

fn fill(sampan: &Sampan, storage: &Path) {
    let open = Storage::serve(sampan, storage, "");
    for name in ["library/web:1", "library/web:latest", "library/private:latest"] {
        let from = format!("oci:{}:latest", fixture::busybox_layout().display());
        let to = format!("docker://{}/{name}", open.host);
        let words = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", &from, &to];
        let _ = Invocation::new("skopeo", words).run().ok();
    }
}

/// Debian's `docker-registry` upon a directory.
struct Storage {
    process: Child,
    host: String,
}

impl Storage {
    fn serve(sampan: &Sampan, directory: &Path, settings: &str) -> Self {
        let port = crate::network::free_port();
        let file = sampan.directory().join(format!("hub-{port}.yml"));
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: 127.0.0.1:{port}}}\n{settings}\n",
            directory.display()
        );
        fs::write(&file, text).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        eventually("the registry listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process, host: format!("localhost:{port}") }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What somebody asked a [`Plain`] server.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// Whether an `Authorization` header came along.
    authorised: bool,
}

/// Answers every `GET` by a function of what is asked, and remembers it.
pub(crate) struct Plain {
    pub(crate) host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Plain {
    pub(crate) fn start(answer: impl Fn(&Asked) -> (u16, Vec<u8>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let (asked, stop) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::new(AtomicBool::new(false)));
        let (remembered, stopped) = (Arc::clone(&asked), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Some(one) = read_request(&stream) else { continue };
                remembered.lock().unwrap().push(one.clone());
                let (status, body) = answer(&one);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Self { host, asked, stop, thread: Some(thread) }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.host.replace("localhost", "127.0.0.1"));
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn read_request(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let authorised = headers.iter().any(|line| line.to_ascii_lowercase().starts_with("authorization:"));
    Some(Asked { path, authorised })
}

/// A token for pulls from `library/web`, signed as registries want it (distribution, "Token Authentication
/// Implementation").
fn signed_token(directory: &Path) -> String {
    let script = r#"
        cd "$1"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens -keyout tokens.key -out tokens.pem 2>/dev/null
        text() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
        now=$(date +%s)
        head=$(printf '{"typ":"JWT","alg":"RS256","x5c":["%s"]}' "$(openssl x509 -in tokens.pem -outform DER | openssl base64 -A)" | text)
        access='[{"type":"repository","name":"library/web","actions":["pull"]}]'
        claims=$(printf '{"iss":"auth.docker.io","sub":"","aud":"registry.docker.io","exp":%d,"nbf":%d,"iat":%d,"jti":"1","access":%s}' \
            $((now + 3600)) $((now - 60)) $now "$access" | text)
        printf '%s.%s.%s' "$head" "$claims" "$(printf '%s.%s' "$head" "$claims" | openssl dgst -sha256 -sign tokens.key -binary | text)"
    "#;
    Invocation::new("sh", ["-c", script, "sh", directory.to_str().unwrap()]).run().ok().word()
}

fn require_pulled(sampan: &Sampan, outcome: Outcome) {
    let _ = outcome.ok().shows("docker.io/library/web:1");
    let words = ["run", "--rm", "--network", "none", "--pull", "never", "web:1", "echo", "ran"];
    let _ = sampan.run(words).ok().prints("ran\n");
}

#[test]
fn the_hub_gives_tokens_and_sends_elsewhere_for_blobs() {
    isolated(|sampan| {
        // What an instance makes once is there.
        let _ = sampan.demo(&[], &["true"]).ok();
        let hub = Hub::start(sampan);
        let before = sampan.census();
        // Nobody vouches for it yet; the way to mend that is told.
        let refused = sampan.run(["pull", "web:1"]).fails_with(1).says_one_line();
        let _ = refused.says(REGISTRY).says("/etc/docker/certs.d/registry-1.docker.io/ca.crt");
        sampan.require_no_leak_since(&before, Census::clone);
        assert!(
            hub.tokens.asked().is_empty(),
            "a token was asked for though nobody vouches for the registry"
        );

        hub.trust();
        require_pulled(sampan, sampan.run(["pull", "web:1"]));
        assert_eq!(hub.tokens.asked().len(), 1, "the token is kept for the whole pull");
        let asked = hub.content.asked();
        assert!(asked.len() >= 2, "configuration and layer come from the second host: {asked:?}");
        assert!(asked.iter().all(|one| !one.authorised));
        assert_eq!(sampan.field("web:1", "{{index .RepoTags 0}}"), "web:1");
        let pinned = sampan.field("web:1", "{{index .RepoDigests 0}}");
        assert!(pinned.starts_with("web@sha256:"), "{pinned}");

        // Closed to the nameless, as the hub says it.
        let refused = sampan.run(["pull", PRIVATE]).fails_with(1).says_one_line();
        let _ = refused.says("pull access denied for private").says("docker login");
        drop(hub);
    });
}

#[test]
fn run_pulls_from_the_hub_what_has_no_registry_in_its_name() {
    isolated(|sampan| {
        let hub = Hub::start(sampan);
        hub.trust();
        let words = ["run", "--rm", "--network", "none", "web", "echo", "ran"];
        let outcome = sampan.run(words).ok().prints("ran\n");
        let _ = outcome
            .says("Unable to find image 'web:latest' locally")
            .says("latest: Pulling from library/web");
        for name in ["web", "library/web", "docker.io/web", "docker.io/library/web:latest"] {
            let words = ["run", "--rm", "--network", "none", name, "true"];
            let _ = sampan.run(words).ok().is_quiet();
        }
        drop(hub);
    });
}

/// The authorities of the whole system, as OpenSSL and every program that follows it lets a user replace them.
#[test]
fn an_authority_of_the_system_is_trusted() {
    isolated(|sampan| {
        let hub = Hub::start(sampan);
        let pull = sampan.command(["pull", "web:1"]).env("SSL_CERT_FILE", &hub.identity.authority);
        require_pulled(sampan, pull.run());
        drop(hub);
    });
}
