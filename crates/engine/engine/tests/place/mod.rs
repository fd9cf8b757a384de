//! An instance of its own for one test, and the proof that nothing of it is left.

#![allow(dead_code, reason = "each test program uses a part of it")]

use engine::model::{ContainerConfig, NetworkChoice};
use engine::{
    Connection, ContainerId, CreateOptions, Engine, Exited, FRAME_MAX, Frame, HostContext, Programs, Roots,
    StartOptions, StreamEvent, Streams,
};
use std::fs;
use std::path::{Path, PathBuf};

/// An engine with roots of its own.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    directory: tempfile::TempDir,
}

/// The control group that the instance keeps for its containers would outlive its data root.
impl Drop for Place {
    fn drop(&mut self) {
        let Ok(id) = fs::read_to_string(self.path("data/instance")) else { return };
        let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
        let mounts = hierarchies.map(|entry| entry.path()).chain([PathBuf::from("/sys/fs/cgroup")]);
        for hierarchy in mounts {
            let group = hierarchy.join(format!("sampan-{}", id.trim()));
            let _ = fs::remove_dir(group.join("sampan-monitors"));
            let _ = fs::remove_dir(group);
        }
    }
}

/// The programs beside the test's own directory, as cargo lays them out.
pub(crate) fn programs() -> Option<Programs> {
    let runtime = std::env::current_exe().ok()?.parent()?.parent()?.join("sampan-runtime");
    let sampan = runtime.with_file_name("sampan");
    runtime.exists().then(|| Programs { sampan, runtime, build: "dev".into(), version: "0".into() })
}

impl Place {
    /// `None`, with a line that says why, where the test cannot run.
    pub(crate) fn new() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("skipped: build sampan-runtime first");
            return None;
        };
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let roots = Roots { data: directory.path().join("data"), exec: directory.path().join("exec") };
        let context = HostContext::open(roots, programs, None).unwrap();
        Some(Self { engine: Engine::open(context), directory })
    }

    /// Starts a container in the background.
    pub(crate) fn start(&self, config: ContainerConfig) -> ContainerId {
        self.engine.run(config, CreateOptions::default(), StartOptions::default()).unwrap().id
    }

    /// A path of the instance.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Another engine of the same instance, as another process would have it.
    pub(crate) fn another(&self) -> Engine {
        Engine::open(self.engine.context().clone())
    }

    /// The same place with a new engine.
    pub(crate) fn reopen(mut self) -> Self {
        self.engine = self.another();
        self
    }

    fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.directory.path().join(path)) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// No directory, file system or cgroup of a container is left.
    pub(crate) fn assert_empty(&self) {
        assert_eq!(self.leftovers(), Vec::<String>::new());
    }

    /// Directories, file systems and cgroups of containers.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let mut left = Vec::new();
        for path in
            ["data/containers", "data/trash", "data/snapshots/containers", "exec/containers", "data/volumes"]
        {
            left.extend(self.names(path).into_iter().map(|name| format!("{path}/{name}")));
        }
        let instance = format!("sampan-{}", self.engine.context().instance);
        for group in ["memory", "pids", "cpu", "unified", "."] {
            let path = Path::new("/sys/fs/cgroup").join(group).join(&instance);
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            // What the monitors share stays with the instance.
            let of_container = |path: &PathBuf| path.is_dir() && !path.ends_with("sampan-monitors");
            left.extend(
                entries.map(|entry| entry.path()).filter(of_container).map(|path| path.display().to_string()),
            );
        }
        left
    }
}

/// A request for the embedded image without a network.
pub(crate) fn config(command: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "localhost/sampan-demo".into(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        entrypoint: Some(Vec::new()),
        network: NetworkChoice::None,
        ..ContainerConfig::default()
    }
}

/// Runs in the foreground: exit code and output.
pub(crate) fn run(place: &Place, config: ContainerConfig) -> (i32, String) {
    run_in(&place.engine, config)
}

/// The same with another engine.
pub(crate) fn run_in(engine: &Engine, config: ContainerConfig) -> (i32, String) {
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    let start = StartOptions { streams, terminal_size: None, engine_waits: true };
    let running = engine.run(config, CreateOptions::default(), start).unwrap();
    let answer = pump(running.connection.as_ref().unwrap());
    engine.finish(&running).unwrap();
    answer
}

/// Reads a stream connection to its end: exit code and output.
pub(crate) fn pump(connection: &Connection) -> (i32, String) {
    let mut buffer = vec![0; FRAME_MAX + 1];
    let (mut output, mut code) = (Vec::new(), -1);
    loop {
        match connection.next_frame(&mut buffer).unwrap() {
            StreamEvent::Frame(Frame::Stdout | Frame::Stderr, bytes) => output.extend_from_slice(bytes),
            StreamEvent::Frame(Frame::Exit, bytes) => {
                let exited: Exited = serde_json::from_slice(bytes).unwrap();
                code = exited.exit_code;
            }
            StreamEvent::Frame(Frame::Released, _) | StreamEvent::Closed => break,
            StreamEvent::Frame(..) => {}
        }
    }
    (code, String::from_utf8(output).unwrap())
}
