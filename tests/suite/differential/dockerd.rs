//! A dockerd of the test's own, in namespaces of its own, so that nothing of it outlives the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tests::{Invocation, eventually};

pub(super) struct Dockerd {
    unshare: Child,
    socket: PathBuf,
    control_group: String,
    version: String,
}

impl Dockerd {
    /// Starts it and waits until it answers.
    pub(super) fn start(directory: &Path) -> Self {
        fs::create_dir_all(directory).unwrap();
        let (socket, log) = (directory.join("d.sock"), fs::File::create(directory.join("log")).unwrap());
        let control_group = format!("/differential-{}", std::process::id());
        let at = |name: &str| directory.join(name).display().to_string();
        let script = format!(
            "ip link set lo up && exec dockerd --data-root {} --exec-root {} --pidfile {} --group root \
             --cgroup-parent {control_group} --host unix://{}",
            at("data"),
            at("exec"),
            at("pid"),
            socket.display()
        );
        let unshare = Command::new("unshare")
            .args([
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "--mount",
                "--net",
                "sh",
                "-c",
                &script,
            ])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut dockerd = Self { unshare, socket, control_group, version: String::new() };
        eventually("dockerd answers", || dockerd.ask("{{.Server.Version}}").is_some());
        let client = dockerd.ask("{{.Client.Version}}").unwrap_or_default();
        dockerd.version = format!("docker {client}, dockerd {}", dockerd.ask("{{.Server.Version}}").unwrap());
        dockerd
    }

    fn ask(&self, format: &str) -> Option<String> {
        let outcome =
            Invocation::new("docker", ["version", "--format", format]).env("DOCKER_HOST", self.host()).run();
        (outcome.code() == 0).then(|| outcome.word())
    }

    /// For `DOCKER_HOST`.
    pub(super) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Of client and server.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The process whose network namespace is dockerd's.
    pub(super) fn child(&self) -> u32 {
        let pid = self.unshare.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // unshare(1) kills its child, the first process of that pid namespace, and so all of it.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
        let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
        for hierarchy in hierarchies.map(|entry| entry.path()).chain([PathBuf::from("/sys/fs/cgroup")]) {
            remove_groups(&hierarchy.join(self.control_group.trim_start_matches('/')));
        }
    }
}

/// Deepest first; what is not there is not there.
fn remove_groups(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}
