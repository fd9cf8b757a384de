//! Pulling from registries whose every answer is scripted: the honest, the broken and the hostile.

mod support;

use distribution::Config;
use image::{Image, Progress, PullError, PullOptions, PullPolicy, PullStatus, Pulled, Step};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::server::{Identity, Reply, Request, Server};
use support::{Kind, Store, digest, gzip, reference, tar};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What a registry has.
#[derive(Clone, Default)]
struct Content {
    manifests: HashMap<String, (Vec<u8>, String)>,
    blobs: HashMap<String, Vec<u8>>,
}

impl Content {
    fn blob(&mut self, bytes: &[u8]) -> String {
        self.blobs.insert(digest(bytes).to_string(), bytes.to_vec());
        digest(bytes).to_string()
    }

    fn manifest(&mut self, tag: &str, bytes: &[u8], kind: &str) -> String {
        let name = digest(bytes).to_string();
        for name in [tag, &name] {
            self.manifests.insert(name.to_owned(), (bytes.to_vec(), kind.to_owned()));
        }
        name
    }

    /// An image of layers, and its manifest's digest.
    fn image(&mut self, tag: &str, architecture: &str, layers: &[Vec<u8>]) -> String {
        let diffs: Vec<String> = layers.iter().map(|layer| format!("\"{}\"", digest(layer))).collect();
        let config = format!(
            r#"{{"architecture":"{architecture}","os":"linux","rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
            diffs.join(",")
        );
        let packed: Vec<String> = layers
            .iter()
            .map(|layer| {
                let packed = gzip(layer);
                let digest = self.blob(&packed);
                let kind = "application/vnd.oci.image.layer.v1.tar+gzip";
                format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{}}}"#, packed.len())
            })
            .collect();
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[{}]}}"#,
            self.blob(config.as_bytes()),
            config.len(),
            packed.join(",")
        );
        self.manifest(tag, manifest.as_bytes(), MANIFEST)
    }

    fn answer(&self, request: &Request) -> Reply {
        let name = request.path.rsplit('/').next().unwrap_or_default();
        let found = if request.path.contains("/manifests/") {
            self.manifests.get(name).map(|(bytes, kind)| {
                Reply::new(200, bytes.as_slice())
                    .header("Content-Type", kind)
                    .header("Docker-Content-Digest", digest(bytes).to_string())
            })
        } else {
            self.blobs.get(name).map(|bytes| Reply::ranged(request, bytes))
        };
        found.unwrap_or_else(|| {
            Reply::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#)
        })
    }
}

fn layers() -> Vec<Vec<u8>> {
    let mut seed = 7u32;
    let noise: Vec<u8> = (0..300_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .collect();
    let base = tar(&[("etc/", Kind::Dir), ("etc/name", Kind::File(b"base")), ("noise", Kind::File(&noise))]);
    vec![base, tar(&[("top", Kind::File(b"top"))]), tar(&[])]
}

fn one_image() -> Content {
    let mut content = Content::default();
    content.image("1", "amd64", &layers());
    content
}

fn config() -> Config {
    Config {
        docker_config: None,
        certificate_dirs: Vec::new(),
        retries: 3,
        retry_delay: Duration::from_millis(5),
        idle_timeout: Duration::from_millis(800),
        ..Config::default()
    }
}

fn pull_with(
    store: &Store,
    name: &str,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Pulled, PullError> {
    let platform = image::parse_platform("linux/amd64").expect("a platform");
    let options = PullOptions { platform: Some(&platform), policy: PullPolicy::Always, config, at_once: 3 };
    store.images.pull(&reference(name), &options, progress)
}

fn pull(store: &Store, name: &str) -> Result<Pulled, PullError> {
    pull_with(store, name, &config(), &image::Silent)
}

fn assert_whole(store: &Store, image: &Image) {
    assert_eq!(
        (store.read_in(image, "etc/name"), store.read_in(image, "top")),
        ("base".into(), "top".into())
    );
    store.assert_clean();
}

/// The error with its causes on one line; nothing may be left of the pull.
fn failure(store: &Store, result: Result<Pulled, PullError>) -> String {
    let error = result.expect_err("a failure");
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    store.assert_clean();
    assert_eq!((store.count("content/blobs/sha256"), store.count("snapshots/layers")), (0, 0), "{text}");
    assert!(store.images.list().expect("a list").is_empty());
    text
}

#[derive(Default)]
struct Steps(Mutex<Vec<(String, Step)>>);

impl Progress for Steps {
    fn layer(&self, blob: &ids::Digest, step: Step) {
        self.0.lock().expect("no poison").push((blob.to_string(), step));
    }
}

#[test]
fn a_pull_names_unpacks_and_is_not_repeated() {
    let content = one_image();
    let manifest = content.manifests["1"].0.clone();
    let server = Server::plain(move |request| content.answer(request));
    let store = Store::new();
    let name = format!("{}/team/web:1", server.host());
    let steps = Steps::default();
    let pulled = pull_with(&store, &name, &config(), &steps).unwrap();
    assert_eq!((pulled.status, pulled.digest.unwrap()), (PullStatus::Downloaded, digest(&manifest)));
    assert_whole(&store, &pulled.image);
    let info = store.images.inspect(&name).unwrap();
    let pinned = format!("{}/team/web@{}", server.host(), digest(&manifest));
    assert_eq!((info.tags.len(), info.digests), (1, vec![reference(&pinned)]));
    let packed = gzip(&layers()[0]);
    let of_base: Vec<Step> = {
        let steps = steps.0.lock().unwrap();
        steps
            .iter()
            .filter(|(blob, _)| *blob == digest(&packed).to_string())
            .map(|(_, step)| step.clone())
            .collect()
    };
    let total = packed.len() as u64;
    assert_eq!(of_base.first(), Some(&Step::Waiting));
    assert!(of_base.contains(&Step::Downloading { bytes: total, total }));
    assert!(
        of_base.contains(&Step::Downloaded) && of_base.contains(&Step::Extracting { bytes: total, total })
    );
    assert_eq!(of_base.last(), Some(&Step::Done));

    let blobs = server.count("/blobs/");
    assert_eq!(pull(&store, &name).unwrap().status, PullStatus::UpToDate);
    assert_eq!(pull(&store, &pinned).unwrap().image.id, pulled.image.id);
    assert_eq!(server.count("/blobs/"), blobs, "nothing is transferred twice");
    let missing = PullOptions { platform: None, policy: PullPolicy::Missing, config: &config(), at_once: 3 };
    let asked = server.requests().len();
    let offline = store.images.pull(&reference(&name), &missing, &image::Silent).unwrap();
    assert_eq!((offline.status, offline.digest), (PullStatus::UpToDate, None));
    assert_eq!(server.requests().len(), asked);
    let removed = store.images.remove(&name, image::Force::No, &[]).unwrap();
    assert_eq!(removed.len(), 2 + 1 + 3, "{removed:?}");
    store.assert_clean();
    assert_eq!(store.count("content/blobs/sha256"), 0);
}

#[test]
fn an_index_is_chosen_from_and_kept() {
    let mut content = Content::default();
    let mut entries = Vec::new();
    for architecture in ["arm64", "amd64"] {
        let name =
            content.image("inner", architecture, &[tar(&[("arch", Kind::File(architecture.as_bytes()))])]);
        let size = content.manifests[&name].0.len();
        entries.push(format!(
            r#"{{"mediaType":"{MANIFEST}","digest":"{name}","size":{size},"platform":{{"os":"linux","architecture":"{architecture}"}}}}"#
        ));
    }
    let index = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, entries.join(","));
    content.manifest("multi", index.as_bytes(), INDEX);
    content.image("single", "s390x", &layers());
    let server = Server::plain(move |request| content.answer(request));
    let store = Store::new();
    let name = format!("{}/a:multi", server.host());
    let get = |platform: &str| {
        let platform = image::parse_platform(platform).unwrap();
        let config = config();
        let options = PullOptions {
            platform: Some(&platform),
            policy: PullPolicy::Missing,
            config: &config,
            at_once: 1,
        };
        store.images.pull(&reference(&name), &options, &image::Silent)
    };
    let amd64 = get("linux/amd64").unwrap();
    assert_eq!(amd64.digest, Some(digest(index.as_bytes())));
    assert_eq!(store.read_in(&amd64.image, "arch"), "amd64");
    assert!(store.images.content().has(&digest(index.as_bytes())).unwrap());
    assert_eq!(store.read_in(&get("linux/arm64").unwrap().image, "arch"), "arm64");
    assert_eq!(
        get("linux/riscv64").unwrap_err().to_string(),
        format!(
            "no matching manifest for linux/riscv64 in the manifest list of {name}; it has: linux/amd64, linux/arm64"
        )
    );
    let other = pull(&store, &format!("{}/a:single", server.host())).unwrap_err();
    assert!(other.to_string().ends_with("wanted linux/amd64, actual: linux/s390x"), "{other}");
    store.assert_clean();
}

/// Registry, token server and content network under the hub's names, with an authority of their own.
#[test]
fn the_hubs_flow_with_tokens_and_a_redirect_to_strangers() {
    let dir = tempfile::tempdir().unwrap();
    let names = "DNS:registry-1.docker.io,DNS:auth.docker.io,DNS:cdn.example";
    let Some(identity) = Identity::make(dir.path(), names) else { return };
    let mut content = one_image();
    content.manifest("latest", &content.manifests["1"].0.clone(), MANIFEST);
    let cdn = Server::tls(&identity, {
        let content = content.clone();
        move |request| match request.header("authorization") {
            None => content.answer(request),
            Some(_) => Reply::new(400, "no authorisation, please"),
        }
    });
    let tokens = Server::tls(&identity, |request| {
        let asked =
            request.path == "/token?service=registry.docker.io&scope=repository%3Alibrary%2Fweb%3Apull";
        if asked {
            Reply::new(200, r#"{"token":"opensesame","expires_in":300}"#)
        } else {
            Reply::new(400, "")
        }
    });
    let registry = Server::tls(&identity, move |request| {
        if request.header("authorization") != Some("Bearer opensesame") {
            let challenge = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/web:pull""#;
            return Reply::new(401, "{}").header("Www-Authenticate", challenge);
        }
        if request.path.contains("/blobs/") {
            let location = format!("https://cdn.example/{}?signature=x", request.path);
            return Reply::new(307, "").header("Location", location.replace("?signature=x", ""));
        }
        content.answer(request)
    });
    let mut config = config();
    for (name, server) in
        [("registry-1.docker.io", &registry), ("auth.docker.io", &tokens), ("cdn.example", &cdn)]
    {
        config.addresses.insert(format!("{name}:443"), server.address);
    }
    let store = Store::new();
    // Nobody vouches for it yet.
    let refused = failure(&store, pull_with(&store, "web", &config, &image::Silent));
    assert!(refused.contains("cannot speak TLS with registry-1.docker.io"), "{refused}");
    assert!(refused.contains("/etc/docker/certs.d/registry-1.docker.io/ca.crt"), "{refused}");
    let certs = dir.path().join("certs.d");
    for name in ["docker.io", "auth.docker.io", "cdn.example"] {
        std::fs::create_dir_all(certs.join(name)).unwrap();
        std::fs::copy(&identity.authority, certs.join(name).join("ca.crt")).unwrap();
    }
    config.certificate_dirs = vec![certs];
    let pulled = pull_with(&store, "web", &config, &image::Silent).unwrap();
    assert_whole(&store, &pulled.image);
    assert_eq!(store.images.inspect("web").unwrap().tags, [reference("web:latest")]);
    assert_eq!(tokens.requests().len(), 1, "the token is kept");
    assert!(
        cdn.requests().len() >= 3 && cdn.requests().iter().all(|one| one.header("authorization").is_none())
    );
    assert!(registry.requests().iter().all(|one| one.header("host") == Some("registry-1.docker.io")));
}

fn docker_config(dir: &tempfile::TempDir, host: &str, auth: &str) -> Config {
    let json = format!(r#"{{"auths":{{"{host}":{auth}}}}}"#);
    Config { docker_config: Some(support::file(dir.path(), "config.json", json.as_bytes())), ..config() }
}

#[test]
fn passwords_and_identity_tokens_open_what_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let content = one_image();
    let basic = Server::plain({
        let content = content.clone();
        move |request| match request.header("authorization") {
            Some("Basic dXNlcjpwYXNz") => content.answer(request),
            _ => Reply::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\""),
        }
    });
    let store = Store::new();
    let name = format!("{}/web:1", basic.host());
    let denied = failure(&store, pull(&store, &name));
    let expected = format!(
        "pull access denied for {}/web, repository does not exist or may require 'docker login'",
        basic.host()
    );
    assert!(denied.starts_with(&expected), "{denied}");
    let wrong = docker_config(&dir, &basic.host(), r#"{"auth":"dXNlcjpub3Bl"}"#);
    assert!(failure(&store, pull_with(&store, &name, &wrong, &image::Silent)).starts_with(&expected));
    let right = docker_config(&dir, &basic.host(), r#"{"auth":"dXNlcjpwYXNz"}"#);
    assert_whole(&store, &pull_with(&store, &name, &right, &image::Silent).unwrap().image);

    let tokens = Server::plain(|request| {
        let granted = request.method == "POST"
            && request.body.contains("grant_type=refresh_token")
            && request.body.contains("refresh_token=secret%20one")
            && request.body.contains("scope=repository%3Aweb%3Apull");
        if granted {
            Reply::new(200, r#"{"access_token":"t2"}"#)
        } else {
            Reply::new(401, r#"{"details":"no"}"#)
        }
    });
    let realm = format!("http://{}/token", tokens.host());
    let bearer = Server::plain(move |request| match request.header("authorization") {
        Some("Bearer t2") => content.answer(request),
        _ => Reply::new(401, "").header("WWW-Authenticate", format!("Bearer realm=\"{realm}\"")),
    });
    let name = format!("{}/web:1", bearer.host());
    let config = docker_config(&dir, &bearer.host(), r#"{"identitytoken":"secret one"}"#);
    let store = Store::new();
    assert_whole(&store, &pull_with(&store, &name, &config, &image::Silent).unwrap().image);
}

#[test]
fn a_token_that_ran_out_is_renewed() {
    let content = one_image();
    let given = Arc::new(AtomicUsize::new(0));
    let tokens = Server::plain({
        let given = Arc::clone(&given);
        move |_| Reply::new(200, format!(r#"{{"token":"t{}"}}"#, given.fetch_add(1, Ordering::Relaxed) + 1))
    });
    let realm = format!("http://{}/token", tokens.host());
    let registry = Server::plain(move |request| {
        // Every token is good for one kind of request only.
        let wanted = if request.path.contains("/manifests/") { "Bearer t1" } else { "Bearer t2" };
        match request.header("authorization") {
            Some(token) if token == wanted => content.answer(request),
            _ => Reply::new(401, "")
                .header("WWW-Authenticate", format!("Bearer realm=\"{realm}\",error=\"invalid_token\"")),
        }
    });
    let store = Store::new();
    assert_whole(&store, &pull(&store, &format!("{}/web:1", registry.host())).unwrap().image);
    assert_eq!(given.load(Ordering::Relaxed), 2);
}

#[test]
fn a_transfer_that_breaks_goes_on_where_it_broke() {
    let content = one_image();
    let packed = gzip(&layers()[0]);
    let name = digest(&packed).to_string();
    let tries = Arc::new(AtomicUsize::new(0));
    let server = Server::plain({
        let tries = Arc::clone(&tries);
        move |request| {
            if !request.path.ends_with(&name) {
                return content.answer(request);
            }
            match tries.fetch_add(1, Ordering::Relaxed) {
                0 => content.answer(request).cut(100_000),
                1 => Reply::new(503, "busy"),
                2 => content.answer(request).cut(50_000),
                _ => content.answer(request),
            }
        }
    });
    let store = Store::new();
    let steps = Steps::default();
    let pulled = pull_with(&store, &format!("{}/web:1", server.host()), &config(), &steps).unwrap();
    assert_whole(&store, &pulled.image);
    let ranges: Vec<Option<String>> = server
        .requests()
        .iter()
        .filter(|request| request.path.contains(digest(&packed).hex()))
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    let at = |bytes: usize| Some(format!("bytes={bytes}-"));
    assert_eq!(ranges, [None, at(100_000), at(100_000), at(150_000)]);
    let steps = steps.0.lock().unwrap();
    assert_eq!(steps.iter().filter(|(_, step)| matches!(step, Step::Retrying { .. })).count(), 3);
}

#[test]
fn a_server_without_ranges_is_asked_from_the_start() {
    let content = one_image();
    let name = digest(&gzip(&layers()[0])).to_string();
    let tries = AtomicUsize::new(0);
    let server = Server::plain(move |request| {
        if !request.path.ends_with(&name) {
            return content.answer(request);
        }
        let whole = Reply::new(200, content.blobs[&name].as_slice());
        if tries.fetch_add(1, Ordering::Relaxed) == 0 { whole.cut(1000) } else { whole.chunked() }
    });
    let store = Store::new();
    assert_whole(&store, &pull(&store, &format!("{}/web:1", server.host())).unwrap().image);
}

#[test]
fn a_busy_registry_is_waited_for_and_a_fed_up_one_is_not() {
    let content = one_image();
    let tries = AtomicUsize::new(0);
    let busy = Server::plain({
        let content = content.clone();
        move |request| match tries.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::new(429, "").header("Retry-After", "0"),
            1 => Reply::new(502, "<html>bad gateway</html>"),
            2 => Reply::new(200, "").cut(0).length(10),
            _ => content.answer(request),
        }
    });
    let store = Store::new();
    assert_whole(&store, &pull(&store, &format!("{}/web:1", busy.host())).unwrap().image);
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}"#;
    let fed_up = Server::plain(move |_| Reply::new(429, body).header("Retry-After", "86400"));
    let store = Store::new();
    let text = failure(&store, pull(&store, &format!("{}/web:1", fed_up.host())));
    assert!(text.ends_with("toomanyrequests: You have reached your pull rate limit"), "{text}");
    assert_eq!(fed_up.requests().len(), 1);
    let broken = Server::plain(|_| Reply::new(500, "panic"));
    let text = failure(&store, pull(&store, &format!("{}/web:1", broken.host())));
    assert!(text.contains("answered 500"), "{text}");
    assert_eq!(broken.requests().len(), 4, "three retries");
}

type Lie = Box<dyn Fn(&Request, &Content) -> Option<Reply> + Send + Sync>;

#[test]
fn liars_are_found_out_and_leave_nothing() {
    let packed = gzip(&layers()[0]);
    let blob = digest(&packed).to_string();
    let len = packed.len();
    let on_blob = |lie: fn(Vec<u8>) -> Reply| -> Lie {
        let blob = blob.clone();
        Box::new(move |request, content| {
            request.path.ends_with(&blob).then(|| lie(content.blobs[&blob].clone()))
        })
    };
    let on_manifest = |lie: fn(Vec<u8>) -> Reply| -> Lie {
        Box::new(move |request, content| {
            request.path.contains("/manifests/").then(|| lie(content.manifests["1"].0.clone()))
        })
    };
    let lies: Vec<(Lie, String)> = vec![
        (
            on_blob(|mut bytes| {
                bytes[1000] ^= 1;
                Reply::new(200, bytes)
            }),
            format!("but {blob} was promised"),
        ),
        (
            on_blob(|bytes| Reply::new(200, &bytes[..1000])),
            format!("1000 bytes long, but {len} bytes were promised"),
        ),
        (on_blob(|bytes| Reply::new(200, &bytes[..1000]).chunked()), format!("1000 bytes long, but {len}")),
        (
            on_blob(|bytes| Reply::new(200, [bytes, vec![0; 1 << 20]].concat()).chunked()),
            format!("but {len} bytes were"),
        ),
        (on_blob(|bytes| Reply::new(200, bytes).length(1 << 40)), "were promised".into()),
        (
            on_blob(|bytes| Reply::new(200, bytes).header("Content-Encoding", "gzip")),
            "encoding \"gzip\"".into(),
        ),
        (on_blob(|bytes| Reply::new(206, bytes).header("Content-Range", "bytes 5-9/10")), "the range".into()),
        (on_blob(|bytes| Reply::new(200, bytes).cut(10)), "broke".into()),
        (on_blob(|_| Reply::new(404, "")), "answered 404".into()),
        (on_blob(|_| Reply::new(302, "").header("Location", "ftp://x/y")), "neither http nor https".into()),
        (on_blob(|_| Reply::new(302, "")), "a redirect to nowhere".into()),
        (on_blob(|_| Reply::new(204, "")), "answered 204".into()),
        (on_manifest(|_| Reply::new(200, vec![b' '; 5 << 20])), "larger than the limit of 4194304".into()),
        (on_manifest(|_| Reply::new(200, "<html>login</html>")), "no JSON object".into()),
        (
            on_manifest(|bytes| {
                Reply::new(200, [&bytes[..], b" "].concat())
                    .header("Docker-Content-Digest", digest(&bytes).to_string())
            }),
            "was promised".into(),
        ),
        (on_manifest(|_| Reply::new(200, r#"{"schemaVersion":1,"fsLayers":[]}"#)), "schema version 1".into()),
        (on_manifest(|_| Reply::new(401, "")), "pull access denied".into()),
        (
            on_manifest(|_| Reply::new(401, "").header("WWW-Authenticate", "Negotiate")),
            "\"Negotiate\"".into(),
        ),
        (
            on_manifest(|_| Reply::new(401, "").header("WWW-Authenticate", "Bearer realm=\"x\"")),
            "cannot use the URL".into(),
        ),
        (on_manifest(|_| Reply::new(404, "")), "not found: not found".into()),
    ];
    for (lie, expected) in lies {
        let content = one_image();
        let server =
            Server::plain(move |request| lie(request, &content).unwrap_or_else(|| content.answer(request)));
        let store = Store::new();
        let text = failure(&store, pull(&store, &format!("{}/web:1", server.host())));
        assert!(text.contains(&expected), "{text:?} has no {expected:?}");
    }
}

#[test]
fn manifests_that_ask_for_too_much_are_refused() {
    let huge_layer = |kind: &str, size: u64| {
        format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"CONFIG","size":CSIZE}},"layers":[{{"mediaType":"{kind}","digest":"sha256:{}","size":{size}}}]}}"#,
            "0".repeat(64)
        )
    };
    let layer = "application/vnd.oci.image.layer.v1.tar";
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    for (manifest, expected) in [
        (huge_layer(layer, 1 << 50), "larger than the limit"),
        (huge_layer(foreign, 10), "foreign layer"),
        (huge_layer("text/plain", 10), "of the type"),
    ] {
        let mut content = Content::default();
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}}"#,
            "1".repeat(64)
        );
        let name = content.blob(config.as_bytes());
        let manifest = manifest.replace("CONFIG", &name).replace("CSIZE", &config.len().to_string());
        content.manifest("1", manifest.as_bytes(), MANIFEST);
        let server = Server::plain(move |request| content.answer(request));
        let store = Store::new();
        let text = failure(&store, pull(&store, &format!("{}/web:1", server.host())));
        assert!(text.contains(expected), "{text}");
    }
    // An index that leads to itself.
    let server = Server::plain(|request| {
        let bytes = |depth: usize| -> Vec<u8> {
            let mut inner = r#"{"schemaVersion":2,"manifests":[]}"#.to_owned();
            for _ in 0..depth {
                inner = format!(
                    r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{INDEX}","digest":"{}","size":{}}}]}}"#,
                    digest(inner.as_bytes()),
                    inner.len()
                );
            }
            inner.into_bytes()
        };
        let found = (0..10).map(bytes).find(|one| request.path.ends_with(digest(one).as_str()));
        Reply::new(200, found.unwrap_or_else(|| bytes(9)))
    });
    let store = Store::new();
    let text = failure(&store, pull(&store, &format!("{}/web:1", server.host())));
    assert!(text.contains("leads through more than 3 indexes"), "{text}");
}

#[test]
fn redirects_are_bounded_and_never_lead_to_the_open() {
    let looping = Server::plain(|request| Reply::new(307, "").header("Location", request.path.clone()));
    let store = Store::new();
    let text = failure(&store, pull(&store, &format!("{}/web:1", looping.host())));
    assert!(text.contains("leads through more than 10 redirects"), "{text}");
    assert_eq!(looping.requests().len(), 11);

    let dir = tempfile::tempdir().unwrap();
    let Some(identity) = Identity::make(dir.path(), "IP:127.0.0.1") else { return };
    let content = one_image();
    let open = Server::plain({
        let content = content.clone();
        move |request| content.answer(request)
    });
    let (host, token_host) = (open.host(), open.host());
    let secure = Server::tls(&identity, move |request| {
        if request.path.contains("/manifests/open") {
            let challenge = format!("Bearer realm=\"http://{token_host}/token\"");
            return Reply::new(401, "").header("WWW-Authenticate", challenge);
        }
        if request.path.contains("/blobs/") {
            return Reply::new(302, "").header("Location", format!("http://{host}{}", request.path));
        }
        content.answer(request)
    });
    for tag in ["1", "open"] {
        let text = failure(&store, pull(&store, &format!("{}/web:{tag}", secure.host())));
        assert!(text.contains("leads to the unencrypted http://"), "{text}");
    }
    assert!(open.requests().is_empty());
}

#[test]
fn layers_that_lie_about_what_they_unpack_to_are_refused() {
    let mut content = Content::default();
    let layers = layers();
    let name = content.image("1", "amd64", &layers);
    let manifest = String::from_utf8(content.manifests[&name].0.clone()).unwrap();
    let other = gzip(&tar(&[("evil", Kind::File(b"evil"))]));
    let good = gzip(&layers[1]);
    let lying = manifest
        .replace(&digest(&good).to_string(), &content.blob(&other))
        .replace(&format!("\"size\":{}", good.len()), &format!("\"size\":{}", other.len()));
    content.manifest("1", lying.as_bytes(), MANIFEST);
    let server = Server::plain(move |request| content.answer(request));
    let store = Store::new();
    let text = failure(&store, pull(&store, &format!("{}/web:1", server.host())));
    assert!(text.contains("but the image's configuration promises"), "{text}");
}

#[test]
fn nobody_there_is_said_at_once() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let store = Store::new();
    let began = std::time::Instant::now();
    let text = failure(&store, pull(&store, &format!("127.0.0.1:{port}/web:1")));
    assert!(text.contains(&format!("cannot reach 127.0.0.1:{port}: Connection refused")), "{text}");
    assert!(began.elapsed() < Duration::from_secs(2));
    let silent = Server::plain(|_| {
        std::thread::sleep(Duration::from_secs(3));
        Reply::new(200, "")
    });
    let once = Config { retries: 0, idle_timeout: Duration::from_millis(300), ..config() };
    let name = format!("{}/web:1", silent.host());
    // TLS is tried first; a server that is silent then, too, is given up on.
    let text = failure(&store, pull_with(&store, &name, &once, &image::Silent));
    assert!(text.contains("did not answer within"), "{text}");
}

#[test]
fn mirrors_serve_the_hub_and_may_fail() {
    let content = one_image();
    let broken = Server::plain(|_| Reply::new(404, ""));
    let good = Server::plain(move |request| content.answer(request));
    let mirrors = vec![format!("http://{}", broken.host()), format!("http://{}", good.host())];
    let config = Config { mirrors, addresses: BTreeMap::new(), ..config() };
    let store = Store::new();
    let pulled = pull_with(&store, "web:1", &config, &image::Silent).unwrap();
    assert_whole(&store, &pulled.image);
    assert_eq!(store.images.inspect("web:1").unwrap().tags, [reference("docker.io/library/web:1")]);
    assert!(
        broken.requests().len() == 1 && good.requests()[0].path.starts_with("/v2/library/web/manifests/1")
    );
}
