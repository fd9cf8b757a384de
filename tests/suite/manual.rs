//! Manual pages: one for every command, without a complaint from the program that shows them.

use std::fs;
use std::path::PathBuf;
use tests::{Invocation, isolated, skip};

#[test]
fn every_command_has_a_page_that_can_be_shown() {
    isolated(|sampan| {
        let directory = sampan.directory().join("man1");
        let _ = sampan.run(["man", directory.to_str().unwrap()]).ok().prints("").is_quiet();
        let pages: Vec<String> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let help = sampan.run(["--help"]).ok().stdout();
        let commands = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        for command in commands.filter(|word| !word.is_empty() && !word.starts_with('-')) {
            assert!(pages.contains(&format!("sampan-{command}.1")), "no page for {command}");
        }
        let run = fs::read_to_string(directory.join("sampan-run.1")).unwrap();
        for part in [".SH \"NAME\"", "\\fB\\-\\-publish\\fR", ".SH \"NETWORK OPTIONS\"", ".SH \"EXAMPLES\""] {
            assert!(run.contains(part), "{part} is not in the page of run");
        }
    });
}

#[test]
fn pages_are_shown_without_a_complaint() {
    skip!("groff");
    isolated(|sampan| {
        let directory = sampan.directory().join("man1");
        let _ = sampan.run(["man", directory.to_str().unwrap()]).ok();
        let pages = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        // Those that lead elsewhere do so from the directory above.
        let is_own = |path: &PathBuf| !fs::read_to_string(path).unwrap().starts_with(".so ");
        let pages: Vec<String> = pages.filter(is_own).map(|path| path.display().to_string()).collect();
        assert!(pages.len() > 60, "{pages:?}");
        let words = ["-man", "-ww", "-z", "-Tutf8"].into_iter().chain(pages.iter().map(String::as_str));
        let _ = Invocation::new("groff", words).run().ok().is_quiet();
    });
}
