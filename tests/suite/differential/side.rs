//! One of the two that are compared: a shell in which `docker` is the one or the other.

use super::day::Line;
use super::dockerd::Dockerd;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::normalise::normalise;
use tests::{Invocation, Sampan};

/// How long `@until` repeats.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Side {
    path: String,
    work: PathBuf,
    docker_host: String,
    network_of: Option<u32>,
    roots: Vec<(&'static str, PathBuf)>,
}

/// What a command answered, normalised.
pub(super) struct Answer {
    stdout: String,
    stderr: String,
    code: i32,
}

impl Side {
    /// Docker's own command line, in dockerd's network namespace.
    pub(super) fn docker(dockerd: &Dockerd, directory: &Path) -> Self {
        let mut side = Self::new(directory, None);
        side.docker_host = dockerd.host();
        side.network_of = Some(dockerd.child());
        side
    }

    /// Ours, called `docker`.
    pub(super) fn sampan(sampan: &Sampan, directory: &Path) -> Self {
        let mut side = Self::new(directory, Some(sampan.program()));
        side.roots = vec![("SAMPAN_DATA_ROOT", sampan.data_root()), ("SAMPAN_EXEC_ROOT", sampan.exec_root())];
        side
    }

    fn new(directory: &Path, program: Option<&Path>) -> Self {
        let (work, programs) = (directory.join("work"), directory.join("bin"));
        fs::create_dir_all(&work).unwrap();
        fs::create_dir_all(&programs).unwrap();
        if let Some(program) = program {
            let wrapper = programs.join("docker");
            fs::write(&wrapper, format!("#!/bin/sh\nexec {} \"$@\"\n", program.display())).unwrap();
            fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
        Self { path, work, docker_host: String::new(), network_of: None, roots: Vec::new() }
    }

    /// Runs a line; one that is awaited, until it succeeds.
    ///
    /// # Panics
    /// When an awaited line does not succeed in time, or a preparation fails.
    pub(super) fn run(&self, line: &Line) -> Answer {
        let started = Instant::now();
        loop {
            let answer = self.shell(&line.command);
            let done = answer.code == 0 || !line.is_awaited;
            let late = started.elapsed() > PATIENCE;
            assert!(
                done || !late,
                "{} does not come true:\n{}{}",
                line.command,
                answer.stdout,
                answer.stderr
            );
            if done {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs something that is not compared.
    pub(super) fn prepare(&self, command: &str) {
        let answer = self.shell(command);
        assert!(answer.code == 0, "{command}:\n{}{}", answer.stdout, answer.stderr);
    }

    fn shell(&self, command: &str) -> Answer {
        let network = self.network_of.map(|pid| format!("--net=/proc/{pid}/ns/net"));
        let words = match &network {
            Some(network) => vec!["nsenter", network, "sh", "-c", command],
            None => vec!["sh", "-c", command],
        };
        let mut invocation = Invocation::new(words[0], &words[1..])
            .env("PATH", &self.path)
            .env("DOCKER_HOST", &self.docker_host)
            .env("DOCKER_CONFIG", self.work.join("no-config"))
            .env("DOCKER_CLI_HINTS", "false")
            .directory(&self.work);
        for (name, path) in &self.roots {
            invocation = invocation.env(name, path);
        }
        let outcome = invocation.run();
        let normal = |text: String| normalise(&text.replace(&*self.work.to_string_lossy(), "WORK"));
        Answer { stdout: normal(outcome.stdout()), stderr: normal(outcome.stderr()), code: outcome.code() }
    }
}

/// Who speaks stands before every message: Docker's client before its own, and that it was the daemon before the
/// daemon's. Ours is one program with one name.
const SPEAKERS: [&str; 4] = ["docker: ", "sampan: ", "Error response from daemon: ", "Error: "];

impl Answer {
    /// The parts that differ: which, theirs, ours.
    pub(super) fn differences(&self, ours: &Self) -> Vec<(&'static str, String, String)> {
        let (their_code, our_code) = (self.code.to_string(), ours.code.to_string());
        let (their_message, our_message) = (spoken(&self.stderr), spoken(&ours.stderr));
        let parts = [
            ("stdout", &self.stdout, &ours.stdout),
            ("stderr", &their_message, &our_message),
            ("code", &their_code, &our_code),
        ];
        parts
            .into_iter()
            .filter(|(_, theirs, ours)| theirs != ours)
            .map(|(part, theirs, ours)| (part, theirs.clone(), ours.clone()))
            .collect()
    }
}

/// Where the help is: Docker's client adds it, with blank lines around, to every failure of `run`, and to wrong words.
const POINTERS: [&str; 4] = ["Run 'docker ", "See 'docker ", "Run 'sampan ", "Usage:  "];

/// A message without who speaks and where the help is, with Docker's name in the place of ours.
fn spoken(message: &str) -> String {
    let mut lines = Vec::new();
    let is_said = |line: &&str| !line.is_empty() && !POINTERS.iter().any(|pointer| line.starts_with(pointer));
    for mut line in message.lines().filter(is_said) {
        while let Some(rest) = SPEAKERS.iter().find_map(|speaker| line.strip_prefix(speaker)) {
            line = rest;
        }
        lines.push(line.replace("sampan", "docker"));
    }
    lines.join("\n")
}
