//! Images: import, load, tag, rmi, pull from a real registry, and registries that lie.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tests::census::Census;
use tests::container::BUSYBOX;
use tests::registry::Registry;
use tests::{Invocation, fixture, isolated};

const BLOB: &str = "application/octet-stream";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[test]
fn a_root_file_system_is_imported() {
    isolated(|sampan| {
        let root = fixture::busybox_root();
        let root = root.to_str().unwrap();
        let id = sampan.run(["import", root, "mine:1"]).ok().word();
        assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
        assert_eq!(sampan.field("mine:1", "{{.Id}}"), id);
        let _ = sampan
            .run(["run", "--rm", "--network", "none", "mine:1", "cat", "/etc/group"])
            .ok()
            .shows("audio:x:29");
        // It says nothing of what to run.
        let _ = sampan
            .run(["run", "--rm", "--network", "none", "mine:1"])
            .fails_with(125)
            .says("no command specified");
        let changes = [
            "import",
            "--change",
            "CMD [\"echo\", \"changed\"]",
            "--change",
            "ENV A=1",
            "--message",
            "note",
            root,
            "mine:2",
        ];
        let _ = sampan.run(changes).ok();
        let _ = sampan.run(["run", "--rm", "--network", "none", "mine:2"]).ok().prints("changed\n");
        assert_eq!(sampan.field("mine:2", "{{json .Config.Env}}"), "[\"A=1\"]");
        let bytes = fs::read(root).unwrap();
        let _ = sampan.command(["import", "-", "piped"]).input(bytes).run().ok();
        let _ = sampan.run(["run", "--rm", "--network", "none", "piped", "true"]).ok();
        let packed = sampan.directory().join("root.tar.gz");
        let script = format!("gzip -c {root} > {}", packed.display());
        let _ = Invocation::new("sh", ["-c", &script]).run().ok();
        let _ = sampan.run(["import", packed.to_str().unwrap(), "packed"]).ok();
        let _ = sampan.run(["run", "--rm", "--network", "none", "packed", "true"]).ok();
    });
}

#[test]
fn an_archive_is_loaded() {
    isolated(|sampan| {
        let archive = fixture::busybox_archive();
        let _ = sampan
            .run(["load", "--input", archive.to_str().unwrap()])
            .ok()
            .shows("Loaded image: busybox:latest\n");
        let _ = sampan.run(["run", "--rm", "--network", "none", BUSYBOX, "echo", "ran"]).ok().prints("ran\n");
        let before = sampan.census();
        let _ =
            sampan.command(["load"]).input(fs::read(&archive).unwrap()).run().ok().shows("busybox:latest");
        sampan.require_no_leak_since(&before, Census::clone);
        let _ = sampan.command(["load", "-q"]).input(fs::read(&archive).unwrap()).run().ok();
    });
}

#[test]
fn an_oci_layout_is_loaded() {
    isolated(|sampan| {
        let layout = fixture::busybox_layout();
        let packed = sampan.directory().join("layout.tar");
        let _ =
            Invocation::new("tar", ["-C", layout.to_str().unwrap(), "-cf", packed.to_str().unwrap(), "."])
                .run()
                .ok();
        let loaded = sampan.run(["load", "-i", packed.to_str().unwrap()]).ok().stdout();
        let name = loaded.trim().rsplit(' ').next().unwrap().to_owned();
        let _ = sampan
            .run(["run", "--rm", "--network", "none", &name, "sh", "-c", "echo ran"])
            .ok()
            .prints("ran\n");
    });
}

#[test]
fn names_come_and_go() {
    isolated(|sampan| {
        sampan.load_busybox();
        let before = sampan.census();
        let id = sampan.field(BUSYBOX, "{{.Id}}");
        let _ = sampan.run(["tag", BUSYBOX, "other:1"]).ok().prints("");
        let _ = sampan.run(["tag", &id[7..19], "example.org/x/y"]).ok();
        assert_eq!(sampan.field("example.org/x/y:latest", "{{.Id}}"), id);
        let _ = sampan.run(["rmi", "other:1"]).ok().prints("Untagged: other:1\n");
        let _ = sampan.run(["rmi", &id]).fails_with(1).says("must be forced").says("multiple repositories");
        let _ = sampan.run(["rmi", "example.org/x/y"]).ok().shows("Untagged: example.org/x/y:latest");
        sampan.require_no_leak_since(&before, Census::without_store);
        let container = sampan.background(&["--name", "user"], "sleep 100");
        let _ = sampan.run(["rmi", BUSYBOX]).fails_with(1).says("is using").says(&container[..12]);
        let _ = sampan.run(["rmi", "--force", &id]).fails_with(1).says("running container");
        let _ = sampan.run(["rm", "-f", "user"]).ok();
        let removed = sampan.run(["rmi", BUSYBOX]).ok();
        let _ = removed.shows("Untagged: busybox:latest\n").shows(&format!("Deleted: {id}\n"));
        let _ = sampan.run(["images", "-q"]).ok().prints("");
        // The layers go too: nothing large is left in the store.
        let large =
            Invocation::new("find", [sampan.data_root().to_str().unwrap(), "-type", "f", "-size", "+500k"])
                .run()
                .ok();
        let _ = large.prints("");
    });
}

#[test]
fn an_image_is_known_by_any_part_of_its_name() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.field(BUSYBOX, "{{.Id}}");
        for name in [
            "busybox",
            "busybox:latest",
            "library/busybox",
            "docker.io/busybox",
            "docker.io/library/busybox:latest",
            &id,
            &id[7..],
            &id[7..19],
        ] {
            let _ = sampan.run(["run", "--rm", "--network", "none", "--pull", "never", name, "true"]).ok();
        }
        let image = sampan.inspected(BUSYBOX);
        assert_eq!(
            (&image["RepoTags"][0], &image["Os"], &image["Config"]["Cmd"][0]),
            (&"busybox:latest".into(), &"linux".into(), &"sh".into())
        );
        assert!(
            image["Size"].as_u64().unwrap() > 1_000_000
                && image["RootFS"]["Layers"].as_array().is_some_and(|layers| !layers.is_empty()),
            "{image:#}"
        );
    });
}

#[test]
fn an_image_is_pulled_from_a_registry() {
    isolated(|sampan| {
        let registry = Registry::start(sampan);
        let name = format!("{}/busybox:1", registry.host);
        let pulled = sampan.run(["pull", &name]).ok();
        let _ = pulled
            .shows("Digest: sha256:")
            .shows(&format!("Status: Downloaded newer image for {name}"))
            .shows(&format!("{name}\n"));
        let _ = sampan.run(["pull", &name]).ok().shows(&format!("Status: Image is up to date for {name}"));
        let _ = sampan.run(["run", "--rm", "--network", "none", &name, "echo", "ran"]).ok().prints("ran\n");
        let digest = sampan.field(&name, "{{index .RepoDigests 0}}");
        assert!(digest.starts_with(&format!("{}/busybox@sha256:", registry.host)), "{digest}");
        let _ = sampan.run(["rmi", "-f", &name]).ok();
        let _ = sampan.run(["pull", "--quiet", &digest]).ok().prints(&format!("{digest}\n"));
        let missing = format!("{}/busybox:2", registry.host);
        let _ = sampan.run(["pull", &missing]).fails_with(1).says(&missing).says("not found").says_one_line();
        let _ = sampan
            .run(["pull", &format!("{}/nobody/nothing", registry.host)])
            .fails_with(1)
            .says("nobody/nothing");
        drop(registry);
    });
}

#[test]
fn run_pulls_what_is_missing() {
    isolated(|sampan| {
        let registry = Registry::start(sampan);
        let name = format!("{}/busybox:1", registry.host);
        let words = ["run", "--rm", "--network", "none", &name, "echo", "ran"];
        // Progress goes to standard error: the output is the container's alone.
        let _ =
            sampan.run(words).ok().prints("ran\n").says(&format!("Unable to find image '{name}' locally"));
        let _ = sampan.run(words).ok().prints("ran\n").is_quiet();
        let _ = sampan
            .run(["run", "--rm", "--pull", "always", "--network", "none", &name, "true"])
            .ok()
            .says("up to date");
        let _ = sampan
            .run(["run", "--rm", "--pull", "always", "-q", "--network", "none", &name, "true"])
            .ok()
            .is_quiet();
        let events = sampan
            .run([
                "events",
                "--since",
                "1h",
                "--until",
                "0s",
                "--filter",
                "type=image",
                "--format",
                "{{.Action}}",
            ])
            .ok();
        let _ = events.shows("pull");
        drop(registry);
    });
}

/// A registry that answers each path as told; anything else is 404.
struct LyingRegistry {
    host: String,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl LyingRegistry {
    fn start(answers: Vec<(&'static str, &'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let answers = answers.clone();
                thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    answer(&stream, &mut reader, &answers);
                });
            }
        });
        Self { host, stop, thread: Some(thread) }
    }
}

impl Drop for LyingRegistry {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.host.replace("localhost", "127.0.0.1"));
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn answer(mut stream: &TcpStream, reader: &mut impl BufRead, answers: &[(&str, &str, Vec<u8>)]) {
    let mut request = String::new();
    while reader.read_line(&mut request).is_ok_and(|length| length > 2) {}
    let path = request.split(' ').nth(1).unwrap_or_default();
    let found = answers.iter().find(|(part, ..)| path.contains(part));
    let (head, body): (String, &[u8]) = match found {
        Some((_, "redirect", place)) => {
            (format!("307 Temporary Redirect\r\nLocation: {}", String::from_utf8_lossy(place)), &[])
        }
        Some((_, kind, body)) => (format!("200 OK\r\nContent-Type: {kind}"), body),
        None if path == "/v2/" => ("200 OK".into(), &[]),
        None => ("404 Not Found".into(), &[]),
    };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    if !request.starts_with("HEAD") {
        let _ = stream.write_all(body);
    }
}

const EMPTY_DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn manifest(size: u64) -> Vec<u8> {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{EMPTY_DIGEST}","size":{size}}},"layers":[]}}"#
    )
    .into_bytes()
}

#[test]
fn a_lying_registry_is_not_believed() {
    isolated(|sampan| {
        sampan.load_busybox();
        let before = sampan.census();
        let refused = |answers: Vec<(&'static str, &'static str, Vec<u8>)>, told: &str| {
            let registry = LyingRegistry::start(answers);
            let name = format!("{}/x/y:1", registry.host);
            let outcome = sampan.command(["pull", &name]).limit(Duration::from_secs(30)).run().fails_with(1);
            let _ = outcome.says(told).says_one_line();
        };
        // Another blob than its digest says.
        refused(
            vec![("/manifests/", MANIFEST, manifest(7)), ("/blobs/", BLOB, b"{\"a\":1}".to_vec())],
            "digest",
        );
        // Longer and shorter than it says.
        refused(vec![("/manifests/", MANIFEST, manifest(3)), ("/blobs/", BLOB, vec![b'x'; 100_000])], "");
        refused(
            vec![("/manifests/", MANIFEST, manifest(1_000_000)), ("/blobs/", BLOB, b"short".to_vec())],
            "",
        );
        // A manifest that would fill the memory; one that is none.
        refused(vec![("/manifests/", MANIFEST, vec![b' '; 32 << 20])], "larger than the limit");
        refused(vec![("/manifests/", MANIFEST, b"<html>".to_vec())], "manifest");
        // Round and round.
        refused(vec![("/manifests/", "redirect", b"/v2/x/y/manifests/1".to_vec())], "redirect");
        let _ = sampan.run(["images", "-q"]).ok();
        assert_eq!(sampan.run(["images", "-q"]).ok().stdout().lines().count(), 1);
        let large = before
            .differences(&sampan.census())
            .into_iter()
            .filter(|line| line.contains("sha256/"))
            .collect::<Vec<_>>();
        assert!(large.is_empty(), "blobs were kept: {large:?}");
    });
}
