//! Manual pages: one for every command, without a complaint from the program that shows them.

use std::fs;
use tests::{Invocation, isolated};

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
        let groff = Invocation::new("sh", ["-c", "command -v groff"]).run().code() == 0;
        for page in pages.iter().filter(|_| groff) {
            let words = ["-man", "-ww", "-z", "-Tutf8", page];
            // Pages that lead elsewhere do so from the directory above.
            let text = fs::read_to_string(directory.join(page)).unwrap();
            if !text.starts_with(".so ") {
                let _ = Invocation::new("groff", words).directory(&directory).run().ok().is_quiet();
            }
        }
    });
}
