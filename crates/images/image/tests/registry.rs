//! Pulling from a real registry (Debian's docker-registry), filled by skopeo; plainly, and through TLS.

mod support;

use distribution::Config;
use image::{PullOptions, PullPolicy, PullStatus, Silent};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::server::{Identity, Reply, Request, Server};
use support::{Kind, Store, reference, run, tar};

/// A running registry; it ends with the value.
struct Registry {
    child: Child,
    host: String,
}

impl Registry {
    fn start(dir: &Path) -> Option<Self> {
        if !support::installed("docker-registry")
            || !support::installed("skopeo")
            || !support::installed("umoci")
        {
            return None;
        }
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("an address").port()
        };
        let host = format!("127.0.0.1:{port}");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {host}}}\n",
            dir.join("registry").display()
        );
        let config = support::file(dir, "registry.yml", config.as_bytes());
        let child = Command::new("docker-registry")
            .args(["serve", config.to_str().expect("text")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a registry");
        let registry = Self { child, host };
        let began = Instant::now();
        while TcpStream::connect(&registry.host).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the registry does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes an image with umoci and pushes it with skopeo, in the manifest format given.
fn push(dir: &Path, to: &str, format: &str, files: usize) {
    let names: Vec<String> = (0..files).map(|at| format!("usr/file{at}")).collect();
    let mut entries = vec![("etc/", Kind::Dir), ("usr/", Kind::Dir), ("etc/name", Kind::File(b"base"))];
    entries.extend(names.iter().map(|name| (name.as_str(), Kind::File(b"some content"))));
    let base = support::file(dir, "base.tar", &tar(&entries));
    let upper = [("etc/", Kind::Dir), ("etc/.wh.name", Kind::File(b"")), ("etc/new", Kind::File(b"new"))];
    let upper = support::file(dir, "upper.tar", &tar(&upper));
    let layout = dir.join("layout");
    if !layout.exists() {
        let image = format!("{}:1", layout.display());
        run("umoci", &["init", "--layout", layout.to_str().expect("text")]);
        run("umoci", &["new", "--image", &image]);
        for layer in [base, upper] {
            run("umoci", &["raw", "add-layer", "--image", &image, layer.to_str().expect("text")]);
        }
    }
    let from = format!("oci:{}:1", layout.display());
    run(
        "skopeo",
        &["copy", "-q", "--dest-tls-verify=false", "--format", format, &from, &format!("docker://{to}")],
    );
}

fn config() -> Config {
    Config { docker_config: None, certificate_dirs: Vec::new(), ..Config::default() }
}

fn options(config: &Config) -> PullOptions<'_> {
    PullOptions { platform: None, policy: PullPolicy::Always, config, at_once: 3 }
}

#[test]
fn both_manifest_formats_come_whole() {
    let dir = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::start(dir.path()) else { return };
    let store = Store::new();
    let mut ids = Vec::new();
    for format in ["oci", "v2s2"] {
        let name = format!("{}/team/web:{format}", registry.host);
        push(dir.path(), &name, format, 200);
        let pulled = store.images.pull(&reference(&name), &options(&config()), &Silent).unwrap();
        let inspected = run(
            "skopeo",
            &["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &format!("docker://{name}")],
        );
        assert_eq!(pulled.digest.unwrap().as_str(), inspected.trim());
        assert_eq!(pulled.image.layers.len(), 2);
        assert_eq!(store.read_in(&pulled.image, "etc/new"), "new");
        let again = store.images.pull(&reference(&name), &options(&config()), &Silent).unwrap();
        assert_eq!(again.status, PullStatus::UpToDate);
        ids.push(pulled.image.id);
    }
    assert_eq!(store.count("snapshots/layers"), 2, "both have the same layers");
    let missing = format!("{}/team/web:none", registry.host);
    let error = store.images.pull(&reference(&missing), &options(&config()), &Silent).unwrap_err();
    assert_eq!(error.to_string(), format!("manifest for {missing} not found: manifest unknown"));
    store.assert_clean();
    ids.dedup();
    for id in ids {
        store.images.remove(id.as_str(), image::Force::Yes, &[]).unwrap();
    }
    store.assert_clean();
    assert_eq!(store.count("snapshots/layers"), 0);
}

/// Passes a request on to the registry, and its whole answer back.
fn forward(host: &str, request: &Request) -> Reply {
    let mut stream = TcpStream::connect(host).expect("the registry");
    let accept = request.header("accept").unwrap_or("*/*");
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n",
        request.method, request.path
    );
    stream.write_all(head.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let mut reply = Reply::new(status, &answer[end + 4..]);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if matches!(name.to_ascii_lowercase().as_str(), "content-type" | "docker-content-digest" | "location")
        {
            reply = reply.header(name, value);
        }
    }
    reply
}

#[test]
fn a_real_registry_under_another_name_behind_tls() {
    let dir = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::start(dir.path()) else { return };
    let Some(identity) = Identity::make(dir.path(), "DNS:registry.example") else { return };
    push(dir.path(), &format!("{}/web:1", registry.host), "oci", 20);
    let upstream = registry.host.clone();
    let front = Server::tls(&identity, move |request| forward(&upstream, request));
    let certificates = dir.path().join("certs.d/registry.example:5443");
    std::fs::create_dir_all(&certificates).unwrap();
    std::fs::copy(&identity.authority, certificates.join("ca.crt")).unwrap();
    let config = Config {
        certificate_dirs: vec![dir.path().join("certs.d")],
        addresses: [("registry.example:5443".to_owned(), front.address)].into(),
        ..config()
    };
    let store = Store::new();
    let pulled =
        store.images.pull(&reference("registry.example:5443/web:1"), &options(&config), &Silent).unwrap();
    assert_eq!(store.read_in(&pulled.image, "etc/new"), "new");
    store.assert_clean();
    // The certificate is for another name.
    let wrong = Config { addresses: [("other.example:5443".to_owned(), front.address)].into(), ..config };
    std::fs::rename(&certificates, certificates.with_file_name("other.example:5443")).unwrap();
    let error =
        store.images.pull(&reference("other.example:5443/web:1"), &options(&wrong), &Silent).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(error.to_string().starts_with("cannot speak TLS with other.example:5443"), "{error}");
    assert!(cause.contains("not valid for name"), "{cause}");
}
