//! `push`: what comes back is what was pushed, and only what is missing is sent.

use std::fs;
use std::sync::{Arc, Mutex};
use tests::registry::{Registry, Scripted, digest};
use tests::{Invocation, Sampan, isolated};

const MIB: usize = 1 << 20;

/// The digest of a name, as skopeo sees it.
fn inspected(name: &str) -> String {
    let name = format!("docker://{name}");
    Invocation::new("skopeo", ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &name])
        .run()
        .ok()
        .word()
}

/// The digest that `push` or `pull` tells.
fn told(text: &str) -> String {
    let at = text.rfind("sha256:").unwrap_or_else(|| panic!("no digest in {text:?}"));
    text[at..].split_whitespace().next().unwrap_or_default().to_owned()
}

fn import_noise(sampan: &Sampan, size: usize, name: &str) {
    let mut seed = 3u32;
    let noise: Vec<u8> = (0..size)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .collect();
    let directory = sampan.directory().join("import");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("noise"), noise).unwrap();
    let packed = Invocation::new("tar", ["-C", directory.to_str().unwrap(), "-cf", "-", "."]).run().ok();
    let _ = sampan.command(["import", "-", name]).input(packed.stdout_bytes()).run().ok();
}

#[test]
fn what_is_pushed_comes_back_the_same() {
    isolated(|sampan| {
        let (first, second) = (Registry::start(sampan), Registry::start_with(sampan, ""));
        let name = format!("{}/busybox:1", first.host);
        let pulled = told(&sampan.run(["pull", &name]).ok().stdout().replace("Status", "\nStatus"));
        // Another repository of the same registry takes the layer from its neighbour.
        let neighbour = format!("{}/team/box:2", first.host);
        let _ = sampan.run(["tag", &name, &neighbour]).ok();
        let pushed = sampan.run(["push", &neighbour]).ok();
        let pushed = pushed.shows(&format!("The push refers to repository [{}/team/box]\n", first.host));
        let pushed = pushed.shows(": Mounted from busybox\n").shows("2: digest: sha256:");
        assert_eq!(told(&pushed.stdout()), pulled);
        assert_eq!(inspected(&neighbour), pulled);
        let _ = sampan.run(["push", &neighbour]).ok().shows(": Layer already exists\n");
        // Another registry gets all of it, byte for byte.
        let elsewhere = format!("{}/x/y/busybox:3", second.host);
        let _ = sampan.run(["tag", &name, &elsewhere]).ok();
        let _ = sampan.run(["push", &elsewhere]).ok().shows(": Pushed\n");
        assert_eq!(inspected(&elsewhere), pulled);
        let copy = sampan.directory().join("copy");
        let to = format!("dir:{}", copy.display());
        let from = format!("docker://{elsewhere}");
        let words = ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", &from, &to];
        let _ = Invocation::new("skopeo", words).run().ok();
        let digests = sampan.field(&elsewhere, "{{json .RepoDigests}}");
        assert!(digests.contains(&format!("{}/x/y/busybox@{pulled}", second.host)), "{digests}");
        for name in [&name, &neighbour, &elsewhere] {
            let _ = sampan.run(["rmi", name]).ok();
        }
        let pinned = format!("{}/x/y/busybox@{pulled}", second.host);
        let _ = sampan.run(["rmi", "-f", &pinned]);
        let _ =
            sampan.run(["run", "--rm", "--network", "none", &elsewhere, "echo", "ran"]).ok().prints("ran\n");
    });
}

#[test]
fn a_large_layer_goes_in_pieces() {
    isolated(|sampan| {
        let registry = Registry::start_with(sampan, "");
        import_noise(sampan, 18 * MIB, "noise");
        let name = format!("{}/noise:latest", registry.host);
        let _ = sampan.run(["tag", "noise", &name]).ok();
        let quiet = sampan.run(["push", "--quiet", &name]).ok();
        let _ = quiet.prints(&format!("{name}\n"));
        let id = sampan.field(&name, "{{.Id}}");
        let _ = sampan.run(["rmi", "-f", &id]).ok();
        let _ = sampan.run(["pull", "-q", &name]).ok();
        assert_eq!(sampan.field(&name, "{{.Id}}"), id);
    });
}

#[test]
fn all_tags_go_when_asked_and_mistakes_are_named() {
    isolated(|sampan| {
        let registry = Registry::start_with(sampan, "");
        sampan.load_busybox();
        let repository = format!("{}/box", registry.host);
        for tag in ["a", "b"] {
            let _ = sampan.run(["tag", "busybox", &format!("{repository}:{tag}")]).ok();
        }
        let _ = sampan.run(["push", "--all-tags", &repository]).ok().shows("a: digest:").shows("b: digest:");
        assert_eq!(inspected(&format!("{repository}:a")), inspected(&format!("{repository}:b")));
        let _ = sampan
            .run(["push", "-a", &format!("{repository}:a")])
            .fails_with(1)
            .says("tag can't be used with --all-tags/-a");
        let _ = sampan
            .run(["push", &repository])
            .fails_with(1)
            .says(&format!("An image does not exist locally with the tag: {repository}"));
        let _ = sampan
            .run(["push", "--platform", "linux/s390x", &format!("{repository}:a")])
            .fails_with(1)
            .says("linux/s390x")
            .says_one_line();
        let _ = sampan.run(["push", "--platform", "linux/amd64", &format!("{repository}:a")]).ok();
        let _ = sampan
            .run(["push", &format!("{repository}@sha256:{}", "0".repeat(64))])
            .fails_with(1)
            .says("cannot push a digest reference");
        let _ = sampan.run(["push", "localhost:1/none"]).fails_with(1);
        let _ = sampan.run(["tag", "busybox", "localhost:1/none"]).ok();
        let _ = sampan
            .run(["push", "localhost:1/none"])
            .fails_with(1)
            .says("cannot reach localhost:1")
            .says_one_line();
    });
}

/// What a scripted registry has got of an upload.
#[derive(Default)]
struct Got {
    bytes: Vec<u8>,
    patches: usize,
    finished: Vec<String>,
}

#[test]
fn an_upload_that_breaks_goes_on_where_it_broke() {
    isolated(|sampan| {
        import_noise(sampan, 18 * MIB, "noise");
        let got: Arc<Mutex<Got>> = Arc::default();
        let server = Scripted::start({
            let got = Arc::clone(&got);
            move |request, replier| {
                let mut got = got.lock().unwrap();
                let is_large = got.bytes.len() + request.body.len() > MIB;
                match (request.method.as_str(), request.path.as_str()) {
                    ("GET", "/v2/") => replier.reply(200, &[], b"{}"),
                    ("HEAD", _) => replier.head(404, &[], 0),
                    ("POST", _) => replier.reply(202, &[("Location", "/v2/up/1?state=x")], b""),
                    // Half of the first piece is kept, then everything falls over.
                    ("PATCH", _) if got.patches == 0 => {
                        got.patches = 1;
                        let half = request.body.len() / 2;
                        got.bytes.extend_from_slice(&request.body[..half]);
                        replier.reply(500, &[], b"out of order");
                    }
                    ("GET", _) => {
                        let range = format!("0-{}", got.bytes.len() - 1);
                        let headers = [("Range", range.as_str()), ("Location", "/v2/up/1?state=y")];
                        replier.reply(204, &headers, b"");
                    }
                    ("PATCH", _) => {
                        got.patches += 1;
                        let expected = format!("{}-", got.bytes.len());
                        let range = request.header("content-range").unwrap_or_default().to_owned();
                        got.bytes.extend_from_slice(&request.body);
                        let status = if range.starts_with(&expected) { 202 } else { 416 };
                        replier.reply(status, &[("Location", "/v2/up/1?state=z")], b"");
                    }
                    ("PUT", path) => {
                        if path.contains("/manifests/") || !is_large {
                            return replier.reply(201, &[], b"");
                        }
                        got.finished.push(path.to_owned());
                        replier.reply(201, &[], b"");
                    }
                    _ => replier.reply(404, &[], b"{}"),
                }
            }
        });
        let name = format!("{}/noise:1", server.host);
        let _ = sampan.run(["tag", "noise", &name]).ok();
        let _ = sampan.run(["push", &name]).ok().shows("Retrying in 1 seconds").shows(": Pushed\n");
        let got = got.lock().unwrap();
        assert_eq!(got.patches, 2);
        let whole = digest(&got.bytes).replace(':', "%3A");
        assert!(
            got.finished.iter().any(|path| path == &format!("/v2/up/1?state=z&digest={whole}")),
            "{:?}",
            got.finished
        );
    });
}
