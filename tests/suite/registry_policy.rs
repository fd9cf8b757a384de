//! The files by which administrators say how registries are reached: `registries.conf` of podman and skopeo,
//! `hosts.toml` of containerd, certificates.

use std::fs;
use std::path::{Path, PathBuf};
use tests::registry::{OneLayer, Registry, Scripted};
use tests::{Invocation, Sampan, isolated};

/// A name that only this test's `/etc/hosts` knows.
const NAME: &str = "registry.example";

/// A writable copy over `/etc`, in this test's mount namespace alone, until it is dropped.
struct OwnEtc {
    store: String,
}

impl OwnEtc {
    fn lay(sampan: &Sampan) -> Self {
        let directory = |name: &str| {
            let path = sampan.directory().join(name);
            fs::create_dir_all(&path).unwrap();
            path.display().to_string()
        };
        let store = directory("etc");
        let _ = Invocation::new("mount", ["-t", "tmpfs", "none", &store]).run().ok();
        let (upper, work) = (directory("etc/upper"), directory("etc/work"));
        let options = format!("lowerdir=/etc,upperdir={upper},workdir={work}");
        let _ = Invocation::new("mount", ["-t", "overlay", "overlay", "-o", &options, "/etc"]).run().ok();
        fs::write("/etc/hosts", format!("127.0.0.1 localhost {NAME}\n")).unwrap();
        Self { store }
    }
}

impl Drop for OwnEtc {
    fn drop(&mut self) {
        for place in ["/etc", &self.store] {
            let _ = Invocation::new("umount", ["--lazy", place]).run();
        }
    }
}

fn write(path: impl AsRef<Path>, text: &str) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn port(registry: &Registry) -> &str {
    registry.host.rsplit(':').next().unwrap()
}

/// A pull with a `registries.conf` of its own.
fn pull_by(sampan: &Sampan, text: &str, name: &str) -> tests::Outcome {
    let file = sampan.directory().join("registries.conf");
    fs::write(&file, text).unwrap();
    sampan.command(["pull", name]).env("CONTAINERS_REGISTRIES_CONF", &file).run()
}

#[test]
fn one_entry_serves_every_registry() {
    isolated(|sampan| {
        let registry = Registry::start(sampan);
        registry.fill("library/busybox:1", &[]);
        registry.fill("team/app:2", &[]);
        let text =
            format!("[[registry]]\nprefix = \"*\"\n[[registry.mirror]]\nlocation = \"{}\"", registry.host);
        let _ = pull_by(sampan, &text, "busybox:1").ok().shows("Downloaded newer image for busybox:1\n");
        let _ = pull_by(sampan, &text, "ghcr.io/team/app:2").ok();
        let digests = sampan.field("busybox:1", "{{json .RepoDigests}}");
        assert!(digests.contains("\"busybox@sha256:"), "{digests}");
    });
}

#[test]
fn mirrors_are_tried_in_order_and_prefixes_are_rewritten() {
    isolated(|sampan| {
        let registry = Registry::start(sampan);
        registry.fill("cache/app:1", &[]);
        let missing = Scripted::start(|_, replier| replier.reply(404, &[], b"{}"));
        let text = format!(
            r#"[[registry]]
            prefix = "reg.invalid/team"
            location = "{0}/elsewhere"
            [[registry.mirror]]
            location = "localhost:1"
            [[registry.mirror]]
            location = "{1}"
            [[registry.mirror]]
            location = "{0}/cache"
            [[registry]]
            prefix = "reg.invalid/evil"
            blocked = true"#,
            registry.host, missing.host
        );
        let _ = pull_by(sampan, &text, "reg.invalid/team/app:1").ok();
        assert_eq!(missing.count("/v2/app/manifests/1"), 1);
        let _ = sampan.run(["run", "--rm", "--network", "none", "reg.invalid/team/app:1", "true"]).ok();
        let _ = pull_by(sampan, &text, "reg.invalid/evil/app:1")
            .fails_with(1)
            .says("reg.invalid/evil/app is blocked by")
            .says("registries.conf")
            .says_one_line();
        let _ = pull_by(sampan, "[[registry]]\nlocation = 1", "x/y")
            .fails_with(1)
            .says("registries.conf: line 2")
            .says_one_line();
    });
}

#[test]
fn plain_http_is_spoken_only_where_it_is_allowed() {
    isolated(|sampan| {
        let _etc = OwnEtc::lay(sampan);
        let registry = Registry::start(sampan);
        let host = format!("{NAME}:{}", port(&registry));
        let name = format!("{host}/busybox:1");
        let _ = sampan.run(["pull", &name]).fails_with(1).says("TLS").says(&host).says_one_line();
        let text = format!("[[registry]]\nlocation = \"{host}\"\ninsecure = true");
        let _ = pull_by(sampan, &text, &name).ok();
        let _ = sampan.run(["pull", &name]).fails_with(1);
        write(format!("/etc/containerd/certs.d/{host}/hosts.toml"), &format!("server = \"http://{host}\"\n"));
        let _ = sampan.run(["pull", &name]).ok();
        let _ = sampan.run(["push", &name]).ok();
    });
}

#[test]
fn hosts_toml_names_mirrors_and_headers() {
    isolated(|sampan| {
        let _etc = OwnEtc::lay(sampan);
        let image = OneLayer::new(sampan, 1000);
        let server = Scripted::start({
            let image = image.clone();
            move |request, replier| {
                let mut request = request.clone();
                request.path = request.path.split('?').next().unwrap_or_default().to_owned();
                image.answer(&request, replier);
            }
        });
        write(
            "/etc/containerd/certs.d/_default/hosts.toml",
            &format!(
                "[host.\"http://localhost:1\"]\n[host.\"http://{0}/proxy\"]\ncapabilities = [\"pull\", \"resolve\"]\n[host.\"http://{0}/proxy\".header]\nx-site = \"north\"\n",
                server.host
            ),
        );
        let _ = sampan.run(["pull", "reg.invalid/team/web:1"]).ok();
        let asked = server.asked();
        assert!(asked.iter().all(|one| one.header("x-site") == Some("north")));
        assert_eq!(asked[0].path, "/proxy/v2/team/web/manifests/1?ns=reg.invalid");
    });
}

/// An authority, and certificates by it for the host and for us.
fn certificates(sampan: &Sampan) -> PathBuf {
    let directory = sampan.directory().join("pki");
    fs::create_dir_all(&directory).unwrap();
    let script = format!(
        "set -e; cd '{}'
        openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=Test authority' -keyout ca.key -out ca.crt
        for who in host mine; do
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$who -keyout $who.key -out $who.csr
            echo 'subjectAltName=DNS:{NAME}' > ext
            openssl x509 -req -days 2 -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile ext -out $who.crt
        done",
        directory.display()
    );
    let _ = Invocation::new("sh", ["-c", &script]).run().ok();
    directory
}

#[test]
fn own_authorities_and_client_certificates_are_used() {
    isolated(|sampan| {
        let _etc = OwnEtc::lay(sampan);
        let pki = certificates(sampan);
        let tls = format!(
            "  tls: {{certificate: {0}/host.crt, key: {0}/host.key, clientcas: [{0}/ca.crt]}}",
            pki.display()
        );
        let registry = Registry::start_in_block(sampan, &tls);
        let host = format!("{NAME}:{}", port(&registry));
        let name = format!("{host}/busybox:1");
        let _ = sampan.run(["pull", &name]).fails_with(1).says("TLS").says("ca.crt").says_one_line();
        let directory = PathBuf::from(format!("/etc/containerd/certs.d/{host}"));
        let hosts = format!(
            "server = \"https://{host}\"\nca = \"ca.crt\"\nclient = [[\"mine.crt\", \"mine.key\"]]\n"
        );
        write(directory.join("hosts.toml"), &hosts);
        for file in ["ca.crt", "mine.crt", "mine.key"] {
            fs::copy(pki.join(file), directory.join(file)).unwrap();
        }
        sampan.load_busybox();
        let _ = sampan.run(["tag", "busybox", &name]).ok();
        let _ = sampan.run(["push", &name]).ok().shows(": Pushed\n");
        let _ = sampan.run(["pull", &name]).ok();
        // As Docker has them.
        fs::remove_file(directory.join("hosts.toml")).unwrap();
        let _ = sampan.run(["pull", &name]).fails_with(1);
        let docker = PathBuf::from(format!("/etc/docker/certs.d/{host}"));
        fs::create_dir_all(&docker).unwrap();
        for (from, to) in [("ca.crt", "ca.crt"), ("mine.crt", "client.cert"), ("mine.key", "client.key")] {
            fs::copy(pki.join(from), docker.join(to)).unwrap();
        }
        let _ = sampan.run(["pull", &name]).ok();
    });
}
