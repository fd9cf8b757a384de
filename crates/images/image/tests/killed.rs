//! Operations that cannot end well: on a full disk, and killed at a system call: whatever the point, the next operation finds and removes what is left.
//!
//! The child is this test program again, run under strace(1), which kills it at the n-th call of a kind.

mod support;

use distribution::Config;
use image::{ImportOptions, PullOptions, PullPolicy, Silent};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use support::server::{Reply, Server};
use support::{Kind, MemoryNames, Store, digest, reference, tar};

/// What changes the store. For each kind, the child is killed at its first call, its second, and so on.
const CALLS: [&str; 10] =
    ["mkdir", "openat", "rename", "unlink", "write", "fsync", "fcntl", "ftruncate", "unlinkat", "syncfs"];
/// How many points of a kind are tried, spread evenly over all of them; all with `SAMPAN_TEST_FULL` set.
const POINTS_MAX: usize = 4;

fn archive() -> Vec<u8> {
    let names: Vec<String> = (0..80).map(|at| format!("usr/file{at}")).collect();
    let mut entries = vec![("etc/", Kind::Dir), ("usr/", Kind::Dir), ("etc/name", Kind::File(b"x"))];
    entries.extend(names.iter().map(|name| (name.as_str(), Kind::File(b"content"))));
    tar(&entries)
}

fn saved() -> Vec<u8> {
    let layers = [archive(), tar(&[("etc/", Kind::Dir), ("etc/.wh.name", Kind::File(b""))])];
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{}","{}"]}}}}"#,
        digest(&layers[0]),
        digest(&layers[1])
    );
    let manifest = r#"[{"Config":"c.json","RepoTags":["web:1"],"Layers":["0.tar","1.tar"]}]"#;
    tar(&[
        ("0.tar", Kind::File(&layers[0])),
        ("1.tar", Kind::File(&layers[1])),
        ("c.json", Kind::File(config.as_bytes())),
        ("manifest.json", Kind::File(manifest.as_bytes())),
    ])
}

/// A registry with one image of two layers.
fn registry() -> Server {
    let layers = [archive(), tar(&[("etc/", Kind::Dir), ("etc/.wh.name", Kind::File(b""))])];
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{}","{}"]}}}}"#,
        digest(&layers[0]),
        digest(&layers[1])
    );
    let entry = |kind: &str, bytes: &[u8]| {
        let kind = format!("application/vnd.oci.image.{kind}");
        format!(r#"{{"mediaType":"{kind}","digest":"{}","size":{}}}"#, digest(bytes), bytes.len())
    };
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{},{}]}}"#,
        entry("config.v1+json", config.as_bytes()),
        entry("layer.v1.tar", &layers[0]),
        entry("layer.v1.tar", &layers[1])
    );
    let [base, upper] = layers;
    let blobs = [base, upper, config.into_bytes()];
    Server::plain(move |request| {
        if request.path.contains("/manifests/") {
            return Reply::new(200, manifest.as_str());
        }
        let found = blobs.iter().find(|blob| request.path.ends_with(digest(blob).as_str()));
        found.map_or(Reply::new(404, ""), |blob| Reply::new(200, blob.as_slice()))
    })
}

fn pull(images: &image::Images) {
    let host = std::env::var("KILLED_HOST").expect("the registry's address");
    let config = Config { docker_config: None, certificate_dirs: Vec::new(), ..Config::default() };
    let platform = image::parse_platform("linux/amd64").expect("a platform");
    let options =
        PullOptions { platform: Some(&platform), policy: PullPolicy::Always, config: &config, at_once: 2 };
    images.pull(&reference(&format!("{host}/web:1")), &options, &Silent).expect("a pull");
}

fn operate(name: &str, root: &Path) {
    std::fs::create_dir_all(root).expect("a directory");
    let names = Arc::new(MemoryNames::in_file(root.join("names")));
    let images = image::Images::open(root, snapshot::Flavour::Trusted, names, "default");
    let import = || {
        images.import(
            &mut archive().as_slice(),
            Some(&reference("web:1")),
            &ImportOptions::default(),
            &Silent,
        )
    };
    match name {
        "import" => drop(import().expect("an import")),
        "load" => drop(images.load(saved().as_slice(), None, &Silent).expect("a load")),
        "pull" => pull(&images),
        "remove" => {
            import().expect("an import");
            images.remove("web:1", image::Force::No, &[]).expect("a removal");
        }
        other => unreachable!("{other}"),
    }
}

/// Not a test of its own: what the child does.
#[test]
fn child() {
    if let (Some(name), Some(root)) = (std::env::var_os("KILLED_OPERATION"), std::env::var_os("KILLED_ROOT"))
    {
        match name.to_str().expect("text") {
            "fill" => fill(Path::new(&root)),
            name => operate(name, Path::new(&root)),
        }
    }
}

/// What the child does on a disk that is nearly full.
fn fill(root: &Path) {
    let dir = tempfile::tempdir_in(root).expect("a temporary directory");
    let store = Store::upon(dir, MemoryNames::default());
    let large = tar(&[("file", Kind::File(&vec![7; 1500 << 10]))]);
    // The archive fits, what it unpacks to does not; then not even the archive.
    for bytes in [large.clone(), [large.clone(), large].concat()] {
        let error = store.images.import(&mut bytes.as_slice(), None, &ImportOptions::default(), &Silent);
        let error = error.expect_err("no room");
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        assert!(text.contains("No space left on device"), "{text}");
        store.assert_clean();
        assert_eq!(store.count("content/blobs/sha256"), 0);
    }
}

#[test]
fn a_full_disk_is_said_and_nothing_is_left() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: mounting a small file system needs root");
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let script =
        "mount -t tmpfs -o size=2m none \"$KILLED_ROOT\" && exec \"$0\" child --exact --test-threads=1";
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script])
        .arg(std::env::current_exe().expect("ourselves"))
        .env("KILLED_OPERATION", "fill")
        .env("KILLED_ROOT", dir.path())
        .output()
        .expect("unshare");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Runs the child with arguments of strace; whether it was killed.
fn strace(operation: &str, host: &str, root: &Path, arguments: &[&str]) -> bool {
    let status = Command::new("strace")
        .args(["-f", "-q"])
        .args(arguments)
        .arg(std::env::current_exe().expect("ourselves"))
        .args(["child", "--exact", "--test-threads=1"])
        .env("KILLED_OPERATION", operation)
        .env("KILLED_ROOT", root)
        .env("KILLED_HOST", host)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .expect("strace");
    !status.success()
}

fn count_calls(operation: &str, host: &str, call: &str) -> usize {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = dir.path().join("log");
    let arguments = ["-e", &format!("trace={call}"), "-o", log.to_str().expect("text")];
    assert!(!strace(operation, host, &dir.path().join("data"), &arguments), "{operation} works undisturbed");
    let text = std::fs::read_to_string(log).expect("a log");
    text.lines().filter(|line| line.contains(&format!("{call}("))).count()
}

fn sweep(operation: &str, host: &str) {
    if !support::installed("strace") {
        return;
    }
    let (mut tried, mut killed) = (0, 0);
    for call in CALLS {
        let all = count_calls(operation, host, call);
        let full = std::env::var_os("SAMPAN_TEST_FULL").is_some();
        let step = if full { 1 } else { all.div_ceil(POINTS_MAX).max(1) };
        for at in (1..=all).step_by(step) {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let inject = format!("inject={call}:signal=KILL:when={at}");
            killed += usize::from(strace(operation, host, dir.path(), &["-e", &inject]));
            tried += 1;
            let names = MemoryNames::in_file(dir.path().join("names"));
            let store = Store::upon(dir, names);
            store.images.recover().expect("a recovery");
            let report = store.images.check(true).expect("a check");
            assert_eq!(report, image::CheckReport::default(), "{operation} killed at {call} {at}");
            let again = ["-e", "trace=none"];
            assert!(
                !strace(operation, host, store.dir.path(), &again),
                "{operation} works after {call} {at}"
            );
        }
    }
    println!("{operation}: killed at {killed} of {tried} points");
    // strace counts the calls of each thread for itself, so that late points are missed with several.
    assert!(killed * 2 >= tried, "{operation}: killed at {killed} of {tried} points only");
}

#[test]
fn a_killed_import_leaves_nothing() {
    sweep("import", "");
}

#[test]
fn a_killed_load_leaves_nothing() {
    sweep("load", "");
}

#[test]
fn a_killed_removal_leaves_nothing() {
    sweep("remove", "");
}

#[test]
fn a_killed_pull_leaves_nothing() {
    let registry = registry();
    sweep("pull", &registry.host());
}
