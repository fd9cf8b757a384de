//! A busybox container that is easy to vary, and what it said.

use runtime::{Created, JoinedNamespaces, Launch, LaunchError, Started, Stdio, Streams};
use rustix::fs::{MemfdFlags, OFlags};
use spec::rootfs::Rootfs;
use spec::runtime::{Capabilities, Linux, Mount, Namespace, Process, Root, Spec};
use std::io::{Read, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

pub(crate) const PROC_MASKS: [&str; 2] = ["/proc/keys", "/sys/firmware"];

/// A root file system in a directory of its own, and a spec to change.
pub(crate) struct Container {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) spec: Spec,
    pub(crate) rootfs: Rootfs,
}

/// What a finished container said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) code: i32,
    pub(crate) warnings: Vec<String>,
}

pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn mount(kind: &str, source: impl Into<PathBuf>, destination: &str, options: &str) -> Mount {
    Mount {
        destination: destination.into(),
        kind: kind.into(),
        source: Some(source.into()),
        options: options.split(',').map(str::to_owned).collect(),
        ..Mount::default()
    }
}

impl Container {
    /// A shell that runs `script`, with what Docker gives by default but the network.
    pub(crate) fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lower = directory.path().join("lower");
        for name in ["bin", "etc", "tmp"] {
            std::fs::create_dir_all(lower.join(name)).unwrap();
        }
        std::fs::copy("/bin/busybox", lower.join("bin/busybox")).unwrap();
        std::fs::write(lower.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/www:/bin/sh\n")
            .unwrap();
        for name in [
            "sh", "true", "cat", "ls", "id", "grep", "stat", "sleep", "readlink", "mount", "tty", "stty",
            "mkdir", "touch", "kill", "sed", "chmod",
        ] {
            std::os::unix::fs::symlink("busybox", lower.join("bin").join(name)).unwrap();
        }
        for name in ["upper", "work"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        let rootfs = Rootfs::Overlay {
            lowers: vec![lower],
            upper: Some(directory.path().join("upper")),
            work: Some(directory.path().join("work")),
            userxattr: false,
        };
        Container { spec: default_spec(script), rootfs, directory }
    }

    pub(crate) fn lower(&self) -> PathBuf {
        self.directory.path().join("lower")
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.spec.process.as_mut().unwrap()
    }

    pub(crate) fn linux(&mut self) -> &mut Linux {
        self.spec.linux.as_mut().unwrap()
    }

    pub(crate) fn create(&self, output: &OwnedFd) -> Result<Created, LaunchError> {
        runtime::create(Launch::new(&self.spec, &self.rootfs, Stdio::Fds(streams(output))))
    }

    pub(crate) fn create_in(
        &self,
        join: JoinedNamespaces<'_>,
        output: &OwnedFd,
    ) -> Result<Created, LaunchError> {
        let mut launch = Launch::new(&self.spec, &self.rootfs, Stdio::Fds(streams(output)));
        launch.join = join;
        runtime::create(launch)
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Said {
        self.try_run().unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    pub(crate) fn try_run(&self) -> Result<Said, LaunchError> {
        let output = output();
        let created = self.create(&output)?;
        let warnings = created.warnings().to_vec();
        let code = reap(&created.start()?);
        Ok(Said { out: text(output), code, warnings })
    }

    /// The chain of messages of a launch that has to fail.
    pub(crate) fn refusal(&self) -> String {
        match self.try_run() {
            Ok(said) => panic!("the launch should have failed and said {said:?}"),
            Err(error) => chain(&error),
        }
    }
}

fn default_spec(script: &str) -> Spec {
    let given = words(&["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"]);
    Spec {
        process: Some(Process {
            cwd: "/".into(),
            args: words(&["sh", "-c", script]),
            env: words(&["PATH=/usr/bin:/bin"]),
            capabilities: Some(Capabilities {
                bounding: given.clone(),
                effective: given.clone(),
                permitted: given,
                ..Capabilities::default()
            }),
            ..Process::default()
        }),
        root: Some(Root::default()),
        hostname: "inside".into(),
        mounts: vec![
            mount("proc", "proc", "/proc", "nosuid,noexec,nodev"),
            mount("tmpfs", "tmpfs", "/dev", "nosuid,strictatime,mode=755,size=65536k"),
            mount("devpts", "devpts", "/dev/pts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
            mount("sysfs", "sysfs", "/sys", "nosuid,noexec,nodev,ro"),
        ],
        linux: Some(Linux {
            namespaces: ["pid", "network", "ipc", "uts", "mount"]
                .map(|kind| Namespace { kind: kind.into(), path: None })
                .to_vec(),
            masked_paths: PROC_MASKS.iter().map(PathBuf::from).collect(),
            readonly_paths: vec!["/proc/sys".into()],
            ..Linux::default()
        }),
        ..Spec::default()
    }
}

/// A file in memory for what a container says.
pub(crate) fn output() -> OwnedFd {
    rustix::fs::memfd_create("output", MemfdFlags::CLOEXEC).unwrap()
}

pub(crate) fn text(output: OwnedFd) -> String {
    let mut file = std::fs::File::from(output);
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

pub(crate) fn streams(output: &OwnedFd) -> Streams {
    // The same open file for both, so that one does not overwrite what the other wrote.
    let again = || output.try_clone().unwrap();
    Streams { stdin: null(), stdout: again(), stderr: again() }
}

pub(crate) fn null() -> OwnedFd {
    rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, rustix::fs::Mode::empty()).unwrap()
}

pub(crate) fn reap(started: &Started) -> i32 {
    kernel::process::reap(started.pidfd.as_fd()).unwrap().code()
}

/// An error and its causes, as a door prints them.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

/// What tests could leave behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Census {
    children: String,
    mounts: usize,
    descriptors: usize,
}

impl Census {
    pub(crate) fn take() -> Self {
        let count = |path: &str| std::fs::read_dir(Path::new(path)).unwrap().count();
        Census {
            children: std::fs::read_to_string("/proc/thread-self/children").unwrap(),
            mounts: std::fs::read_to_string("/proc/self/mountinfo").unwrap().lines().count(),
            descriptors: count("/proc/self/fd"),
        }
    }
}
