//! Attacks of a container on whoever copies its files. Each must succeed exactly when the engine is built without its
//! guards (feature `weakened`); so every one of them is a real attack. Needs root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod place;

use engine::{ExtractOptions, State};
use place::{Place, config};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const WEAKENED: bool = cfg!(feature = "weakened");

/// A running container, its root as the host sees it, and a directory outside with a secret.
struct Scene {
    place: Place,
    id: String,
    root: PathBuf,
    outside: PathBuf,
}

impl Scene {
    fn new() -> Option<Self> {
        let place = Place::new()?;
        let id = place.start(config(&["/bin/sleep", "1000"]));
        let view = place.engine.inspect(id.as_str()).unwrap();
        assert_eq!(view.state, State::Running);
        let root = PathBuf::from(format!("/proc/{}/root", view.started.unwrap().pid));
        let outside = place.path("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "of the host").unwrap();
        Some(Self { place, id: id.to_string(), root, outside })
    }

    /// Whether the host's secret came out.
    fn read(&self, path: &str) -> bool {
        let mut out = Vec::new();
        let files = self.place.engine.container_files(&self.id).unwrap();
        let _ = files.archive(path, None, &mut out);
        String::from_utf8_lossy(&out).contains("of the host")
    }

    /// Copies a file called `planted` into a directory.
    fn write(&self, path: &str) {
        let mut tar = engine::archive::TarWriter::new(Vec::new());
        let entry = engine::archive::Entry::new("planted", engine::archive::Kind::File, 0o644);
        tar.append_bytes(&entry, b"of the caller").unwrap();
        let content = tar.finish().unwrap();
        let files = self.place.engine.container_files(&self.id).unwrap();
        let _ = files.extract(path, ExtractOptions::default(), &mut &content[..]);
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let options = engine::RemoveOptions { force: true, volumes: true };
        // A test that failed has said why.
        let _ = self.place.engine.remove(&self.id, options);
    }
}

#[test]
fn links_to_the_host() {
    let Some(scene) = Scene::new() else { return };
    symlink(&scene.outside, scene.root.join("tmp/absolute")).unwrap();
    assert_eq!(scene.read("/tmp/absolute/secret"), WEAKENED);
    scene.write("/tmp/absolute");
    assert_eq!(scene.outside.join("planted").exists(), WEAKENED);
    let up = "../".repeat(20) + scene.outside.strip_prefix("/").unwrap().to_str().unwrap();
    symlink(&up, scene.root.join("tmp/relative")).unwrap();
    // `..` ends at the root of the namespace that the path is walked in: here the container's.
    assert!(!scene.read("/tmp/relative/secret"));
}

/// A directory and a link to the host change places all the time, and files are copied out of it and into it.
#[test]
fn a_directory_that_becomes_a_link() {
    let Some(scene) = Scene::new() else { return };
    let at = |name: &str| scene.root.join("tmp").join(name);
    fs::create_dir(at("a")).unwrap();
    fs::write(at("a/secret"), "of the container").unwrap();
    symlink(&scene.outside, at("b")).unwrap();
    let stop = AtomicBool::new(false);
    let escaped = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let exchange = rustix::fs::RenameFlags::EXCHANGE;
                let cwd = rustix::fs::CWD;
                rustix::fs::renameat_with(cwd, at("a"), cwd, at("b"), exchange).unwrap();
            }
        });
        let escaped = || {
            let read = scene.read("/tmp/a/secret");
            scene.write("/tmp/a");
            read || scene.outside.join("planted").exists()
        };
        let began = Instant::now();
        let patience = if WEAKENED { Duration::from_secs(30) } else { Duration::from_secs(2) };
        let mut found = false;
        while !found && began.elapsed() < patience {
            found = escaped();
        }
        stop.store(true, Ordering::Relaxed);
        found
    });
    assert_eq!(escaped, WEAKENED);
}
