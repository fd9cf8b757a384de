//! What stands in for an engine: a bundle, a root directory, and calls of the runtime.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A bundle with busybox and a root directory for the runtime.
pub(crate) struct Engine {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) config: Value,
}

/// The end of one call.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A group in a subtree of the tests' own; the process's number keeps parallel runs apart.
fn parent_group() -> String {
    format!("sampan-oci-test-{}", std::process::id())
}

impl Engine {
    pub(crate) fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bundle/rootfs/bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::copy("/bin/busybox", bin.join("busybox")).unwrap();
        for name in ["sh", "cat", "sleep", "grep", "id", "tty", "true", "echo", "ls"] {
            std::os::unix::fs::symlink("busybox", bin.join(name)).unwrap();
        }
        let mut engine = Engine { directory, config: Value::Null };
        let bundle = engine.bundle();
        let made = engine.call(&["spec", "-b", bundle.to_str().unwrap()]);
        assert_eq!(made.code, 0, "{made:?}");
        engine.config = serde_json::from_slice(&std::fs::read(bundle.join("config.json")).unwrap()).unwrap();
        engine.config["process"]["args"] = serde_json::json!(["sh", "-c", script]);
        engine.config["process"]["terminal"] = false.into();
        engine.config["root"]["readonly"] = false.into();
        engine
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.directory.path().join("bundle")
    }

    /// Writes the configuration as it is now, with a group of the tests' own.
    pub(crate) fn save(&mut self, id: &str) {
        self.config["linux"]["cgroupsPath"] = format!("/{}/{id}", parent_group()).into();
        std::fs::write(self.bundle().join("config.json"), self.config.to_string()).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg("--as-runtime").arg("--root").arg(self.directory.path().join("root"));
        command.args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).output().unwrap())
    }

    /// Calls and expects success.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ended = self.call(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.out
    }

    /// Creates a container whose output goes to a file.
    pub(crate) fn create(&mut self, id: &str) -> PathBuf {
        self.create_with(id, &[])
    }

    /// The same with options.
    pub(crate) fn create_with(&mut self, id: &str, options: &[&str]) -> PathBuf {
        self.save(id);
        let path = self.directory.path().join("output");
        let file = || std::fs::File::create(&path).unwrap();
        let bundle = self.bundle();
        let arguments = [&["create", "-b", bundle.to_str().unwrap(), id], options].concat();
        let mut command = self.command(&arguments);
        let status = command.stdout(file()).stderr(file()).status().unwrap();
        assert!(status.success(), "{}", std::fs::read_to_string(&path).unwrap());
        path
    }

    /// Whether the container's group is there in any hierarchy.
    pub(crate) fn group_exists(&self, id: &str) -> bool {
        !groups(&format!("{}/{id}", parent_group())).is_empty()
    }

    pub(crate) fn status(&self, id: &str) -> String {
        let state: Value = serde_json::from_str(&self.done(&["state", id])).unwrap();
        state["status"].as_str().unwrap().to_owned()
    }

    pub(crate) fn pid(&self, id: &str) -> i64 {
        let state: Value = serde_json::from_str(&self.done(&["state", id])).unwrap();
        state["pid"].as_i64().unwrap()
    }

    /// Waits until the container is in this state.
    pub(crate) fn await_status(&self, id: &str, wanted: &str) {
        self.eventually(|engine| engine.status(id) == wanted);
    }

    /// Waits until a file ends with this.
    pub(crate) fn await_output(&self, path: &Path, end: &str) {
        self.eventually(|_| std::fs::read_to_string(path).is_ok_and(|text| text.ends_with(end)));
    }

    /// Waits until something is so.
    pub(crate) fn eventually(&self, holds: impl Fn(&Self) -> bool) {
        for _ in 0..1000 {
            if holds(self) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("it never came to be so");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The shared parent goes with the last container; `rmdir` refuses while there is one.
        for path in groups(&parent_group()) {
            let _ = std::fs::remove_dir(path);
        }
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Directories of this name in every hierarchy.
fn groups(name: &str) -> BTreeSet<PathBuf> {
    let tops = std::fs::read_dir("/sys/fs/cgroup").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let candidates = tops.chain([PathBuf::from("/sys/fs/cgroup")]).map(|top| top.join(name));
    candidates.filter(|path| path.is_dir()).collect()
}

/// What tests could leave behind: mounts and groups.
pub(crate) fn census() -> (usize, BTreeSet<PathBuf>) {
    let mounts = std::fs::read_to_string(Path::new("/proc/self/mountinfo")).unwrap().lines().count();
    (mounts, groups(&parent_group()))
}
