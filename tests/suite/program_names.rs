//! Called `docker` or `podman`, by a link, the program answers as those do.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tests::{Invocation, Outcome, Sampan, isolated};

fn link(sampan: &Sampan, name: &str) -> PathBuf {
    let path = sampan.directory().join(name);
    symlink(sampan.program(), &path).unwrap();
    path
}

fn run(sampan: &Sampan, program: &PathBuf, words: &[&str]) -> Outcome {
    sampan.settled(Invocation::new(program, words)).run()
}

#[test]
fn as_docker_it_answers_as_docker() {
    isolated(|sampan| {
        let docker = link(sampan, "docker");
        let docker = |words: &[&str]| run(sampan, &docker, words);
        let version = docker(&["--version"]).ok().stdout();
        let (number, build) =
            version.strip_prefix("Docker version ").unwrap().split_once(", build ").unwrap();
        assert!(number.starts_with("28.") && number.split('.').count() == 3, "{version}");
        assert!(!build.trim().is_empty());
        let _ = docker(&["-v"]).ok().prints(&version);
        let _ = docker(&["version", "--format", "{{.Server.Version}}"]).ok().prints(&format!("{number}\n"));
        let _ = docker(&["info", "--format", "{{.ServerVersion}}"]).ok().prints(&format!("{number}\n"));
        let _ = docker(&["--help"]).ok().shows("Usage:  docker [OPTIONS] COMMAND").lacks("sampan run");
        let _ = docker(&["ps", "--help"]).ok().shows("Usage:  docker ps").shows("docker container ls, ");
        let _ = docker(&["rm", "--help"]).ok().shows("  docker rm -f web\n");
        let told = docker(&["run"]).fails_with(1).stderr();
        assert_eq!(
            told,
            "docker: 'docker run' requires at least 1 argument\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] \
             [ARG...]\n\nRun 'docker run --help' for more information\n"
        );
        let _ = docker(&["imags"]).fails_with(1).says("did you mean docker images?");
        let _ = docker(&["run", "--rm", "--network", "none", tests::sampan::DEMO_IMAGE, "echo", "hi"])
            .ok()
            .prints("hi\n");
        for (words, told) in [
            (&["compose", "up", "-d"][..], "docker compose is not in this version of sampan; until it can"),
            (&["buildx", "build", "."], "docker buildx is not in this version of sampan; until it can"),
            (&["build", "-t", "x", "."], "buildah"),
            (&["swarm", "init"], "docker swarm is not in this version of sampan"),
        ] {
            let _ = docker(words).fails_with(1).prints("").says(told).says_one_line();
        }
        let _ = docker(&["container", "exists", "x"]).fails_with(1).says("unknown command");
    });
}

#[test]
fn as_podman_it_answers_as_podman() {
    isolated(|sampan| {
        sampan.load_busybox();
        let podman = link(sampan, "podman");
        let podman = |words: &[&str]| run(sampan, &podman, words);
        let version = podman(&["--version"]).ok().stdout();
        assert!(version.starts_with("podman version 5.") && version.lines().count() == 1, "{version}");
        let _ = podman(&["rm"]).fails_with(1).says("Error: 'podman rm' requires at least 1 argument");
        let _ = podman(&["create", "--name", "web", "busybox"]).ok();
        let _ = podman(&["volume", "create", "data"]).ok();
        for (noun, there) in
            [("container", "web"), ("image", "busybox"), ("volume", "data"), ("network", "bridge")]
        {
            let _ = podman(&[noun, "exists", there]).ok().prints("").is_quiet();
            let _ = podman(&[noun, "exists", "gone"]).fails_with(1).prints("").is_quiet();
        }
        // Under its own name there is no such verb.
        let _ = sampan.run(["image", "exists", "busybox"]).fails_with(1).says("unknown command");
    });
}

#[test]
fn helps_have_examples_and_sections_and_colours_on_terminals_alone() {
    isolated(|sampan| {
        let help = sampan.run(["run", "--help"]).ok().stdout();
        for part in ["\nOptions:\n", "\nNetwork Options:\n", "\nStorage Options:\n", "\nExamples:\n"] {
            assert!(help.contains(part), "{part:?} is not in {help}");
        }
        assert!(!help.contains('\u{1b}'), "colours in a pipe");
        let terminal = |words: &[(&str, &str)]| {
            let command =
                words.iter().fold(sampan.command(["volume", "--help"]), |command, (name, value)| {
                    command.env(name, value)
                });
            tests::Terminal::start(command.env("TERM", "xterm"), 24, 60).wait().1
        };
        let shown = terminal(&[]);
        assert!(shown.contains("\u{1b}[1;32mUsage:\u{1b}[0m"), "{shown:?}");
        assert!(!terminal(&[("NO_COLOR", "1")]).contains('\u{1b}'));
        assert!(!terminal(&[("TERM", "dumb"), ("NO_COLOR", "1")]).contains('\u{1b}'));
    });
}
