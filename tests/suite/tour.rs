//! The recorded tour of every command: `tests/tour/visits`, replayed in a real terminal and compared.
//!
//! `tests/tour/replay` does it by hand, for all visits or for some, and writes them anew with `--record`.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tests::tour::{Facts, Normaliser, Visit, all_visits, differences, play, unvisited};
use tests::{Invocation, Sampan, eventually, fixture, isolated, paths};

/// Set by `tests/tour/replay`: write the recordings instead of comparing with them.
const RECORD: &str = "SAMPAN_TOUR_RECORD";
/// Set by `tests/tour/replay`: names of visits; all when empty.
const ONLY: &str = "SAMPAN_TOUR_VISITS";

/// Where the registry of visits that mention it listens; each test has its own loopback.
const REGISTRY: &str = "localhost:5000";

#[test]
fn even_visits_show_what_was_recorded() {
    isolated(|sampan| replay(sampan, 0));
}

#[test]
fn odd_visits_show_what_was_recorded() {
    isolated(|sampan| replay(sampan, 1));
}

/// Every second visit, from this one on: two tests use two processors.
fn replay(sampan: &Sampan, first: usize) {
    let only = std::env::var(ONLY).unwrap_or_default();
    let wanted: Vec<&str> = only.split_whitespace().collect();
    let visits = all_visits();
    let unknown: Vec<&&str> =
        wanted.iter().filter(|name| !visits.iter().any(|visit| visit.name == **name)).collect();
    assert!(unknown.is_empty(), "no such visit: {unknown:?}; they are the files of tests/tour/visits");
    let mut wrong = Vec::new();
    let chosen = visits.iter().skip(first).step_by(2);
    for visit in chosen.filter(|visit| wanted.is_empty() || wanted.contains(&visit.name.as_str())) {
        let shown = shown(sampan, visit);
        if std::env::var_os(RECORD).is_some() {
            let path = paths::repository().join(format!("tests/tour/visits/{}.txt", visit.name));
            fs::write(path, shown).unwrap();
        } else if shown != visit.text {
            let lines = differences(&visit.text, &shown);
            wrong
                .push((visit.name.as_str(), format!("visit {} (- recorded, + shown):\n{lines}", visit.name)));
        }
    }
    let (names, texts): (Vec<&str>, Vec<String>) = wrong.into_iter().unzip();
    assert!(
        names.is_empty(),
        "{}\nIf that is meant, record anew and look at what git shows: tests/tour/replay --record {}",
        texts.join("\n"),
        names.join(" ")
    );
}

#[test]
fn every_command_is_visited() {
    isolated(|sampan| {
        let missing = unvisited(sampan, &all_visits());
        assert!(
            missing.is_empty(),
            "the tour does not visit:\n  {}\nFor each, write tests/tour/visits/VERB.txt with a line `# what it does` and \
             lines `$ sampan VERB ...`, run tests/tour/replay --record VERB, and read what it wrote.",
            missing.join("\n  ")
        );
    });
}

/// What the visit shows now. Each has an instance, a directory and, when it mentions them, images and a registry.
fn shown(whole: &Sampan, visit: &Visit) -> String {
    // Short: the paths of sockets below it must fit into 108 bytes.
    let place = whole.directory().join(&visit.name[..visit.name.len().min(12)]);
    let work = place.join("work");
    fs::create_dir_all(&work).unwrap();
    let sampan = Sampan::new(&place, whole.program().to_path_buf());
    fs::copy(fixture::busybox_archive(), work.join("busybox-image.tar")).unwrap();
    fs::copy(fixture::busybox_root(), work.join("busybox-root.tar")).unwrap();
    let registry = visit.mentions(REGISTRY).then(|| Registry::start(&sampan));
    if !visit.mentions("without images") {
        sampan.load_busybox();
    }
    let shown = play(visit, &sampan, &work, &mut Normaliser::new(facts(&sampan)));
    drop(registry);
    sampan.require_nothing_left();
    sampan.forget();
    shown
}

fn facts(sampan: &Sampan) -> Facts {
    let version =
        sampan.run(["version", "--format", "{{.Server.Version}} {{.Server.GitCommit}}"]).ok().word();
    let (version, build) = version.split_once(' ').unwrap();
    let host = rustix::system::uname();
    let texts = [
        (sampan.data_root().display().to_string(), "/var/lib/sampan"),
        (sampan.exec_root().display().to_string(), "/run/sampan"),
        (sampan.directory().display().to_string(), "/home/you"),
        (build.to_owned(), "BUILD"),
        (version.to_owned(), "VERSION"),
        (host.release().to_string_lossy().into_owned(), "KERNEL"),
    ];
    Facts(texts.map(|(text, example)| (text, example.to_owned())).to_vec())
}

/// Debian's docker-registry with one image.
struct Registry {
    process: Child,
}

impl Registry {
    fn start(sampan: &Sampan) -> Self {
        let files = sampan.directory().join("registry");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:5000}}\n",
            files.display()
        );
        let settings = sampan.directory().join("registry.yml");
        fs::write(&settings, text).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { process: command.spawn().unwrap() };
        eventually("the registry listens", || TcpStream::connect("127.0.0.1:5000").is_ok());
        let from = format!("oci:{}:latest", fixture::busybox_layout().display());
        let to = format!("docker://{REGISTRY}/team/tool:1.0");
        let words = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", &from, &to];
        let _ = Invocation::new("skopeo", words).run().ok();
        registry
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
