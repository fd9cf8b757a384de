//! A day of `docker` commands, run through Docker's own command line against a real dockerd and through ours, line by
//! line: standard output, standard error and exit code are compared.
//!
//! `tests/differential/day.txt` is the day; `tests/differential/differences.txt` lists what differs and why. The test
//! fails when something differs that is not listed, and when something listed does not differ any more.

mod day;
mod dockerd;
mod known;
mod side;

use side::Side;
use std::fmt::Write as _;
use tests::isolation::isolated_long;
use tests::{fixture, paths};

#[test]
#[ignore = "long: needs a dockerd to compare with"]
fn a_day_of_docker_commands() {
    isolated_long(|sampan| {
        let directory = paths::repository().join("tests/differential");
        let lines = day::read(&directory.join("day.txt"));
        let mut known = known::read(&directory.join("differences.txt"));
        let archive = fixture::busybox_archive();
        let dockerd = dockerd::Dockerd::start(&sampan.directory().join("docker"));
        let theirs = Side::docker(&dockerd, &sampan.directory().join("theirs"));
        let ours = Side::sampan(sampan, &sampan.directory().join("ours"));
        for side in [&theirs, &ours] {
            side.prepare(&format!("docker load --quiet --input {}", archive.display()));
        }
        let (mut compared, mut unlisted) = (0, String::new());
        for line in &lines {
            let (their_answer, our_answer) = (theirs.run(line), ours.run(line));
            if line.is_preparation {
                continue;
            }
            compared += 1;
            for (part, their_text, our_text) in their_answer.differences(&our_answer) {
                if !known.explains(&line.command, part) {
                    let _ = writeln!(
                        unlisted,
                        "\n{} | {part}\n  docker: {}\n  sampan: {}",
                        line.command,
                        indented(&their_text),
                        indented(&our_text)
                    );
                }
            }
        }
        ours.prepare("docker ps --all --quiet | xargs -r docker rm --force --volumes");
        println!(
            "{compared} commands compared with {}, {} differences listed",
            dockerd.version(),
            known.used()
        );
        assert!(unlisted.is_empty(), "differences that are not listed:\n{unlisted}");
        let stale = known.unused();
        assert!(stale.is_empty(), "these are listed and differ no more:\n  {}", stale.join("\n  "));
    });
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n          ")
}
