//! What is drawn for people at a terminal, and left out where there is none: views that go on, and bars.

use tests::container::BUSYBOX;
use tests::{Invocation, Sampan, Terminal, isolated};

const CTRL_C: [u8; 1] = [3];
const SHOW_CURSOR: &str = "\x1b[?25h";

fn on_terminal(sampan: &Sampan, words: &[&str], rows: u16, columns: u16) -> Terminal {
    Terminal::start(sampan.command(words), rows, columns)
}

/// The pictures that were drawn.
fn pictures(shown: &str) -> Vec<&str> {
    shown.split("\x1b[H").skip(1).collect()
}

#[test]
fn stats_are_drawn_over_themselves() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one", "--network", "none"], "sleep 100");
        let view = on_terminal(sampan, &["stats"], 24, 120);
        view.expect("PIDS");
        view.expect("one");
        view.expect("\x1b[J");
        view.expect("one");
        // A key that means nothing ends nothing; a narrower window cuts the lines.
        view.press("x");
        view.resize(24, 30);
        view.expect("\x1b[J");
        view.expect("CONTAINER ID   NAME      CPU %\x1b[K");
        view.press("q");
        let (code, shown) = view.wait();
        assert_eq!(code, 0, "{shown}");
        assert!(shown.trim_end().ends_with(SHOW_CURSOR), "{shown:?}");
        // What was drawn before is not cleared first: nothing flickers.
        assert!(pictures(&shown).iter().skip(1).all(|picture| picture.contains("NAME")), "{shown:?}");
    });
}

#[test]
fn a_view_ends_with_ctrl_c_and_gives_the_terminal_back() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one", "--network", "none"], "sleep 100");
        for verb in ["stats", "top"] {
            // Whoever runs the tests in the background has the signal ignored, and ignored it stays over exec.
            let program = sampan.program().to_str().unwrap();
            let words = ["--default-signal=INT", program, verb];
            let view = Terminal::start(sampan.settled(Invocation::new("env", words)), 24, 100);
            view.expect("one");
            view.press(CTRL_C);
            let (code, shown) = view.wait();
            assert!(code == 130 && shown.contains(SHOW_CURSOR), "{code}: {shown:?}");
            let script =
                format!("stty -a > before; {program} {verb}; stty -a > after; cmp before after && echo same");
            let shell = sampan.settled(Invocation::new("sh", ["-c", &script])).directory(sampan.directory());
            let view = Terminal::start(shell, 24, 100);
            view.expect("one");
            view.press("q");
            view.expect("same");
        }
    });
}

#[test]
fn stats_of_a_pipe_have_no_escapes() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one", "--network", "none"], "sleep 100");
        let piped = sampan.run(["stats", "--no-stream"]).ok().stdout();
        assert!(!piped.contains('\x1b') && piped.contains("one"), "{piped:?}");
        let once = on_terminal(sampan, &["stats", "--no-stream"], 24, 120).wait();
        assert!(once.0 == 0 && !once.1.contains('\x1b') && once.1.contains("one"), "{once:?}");
    });
}

#[test]
fn top_of_all_is_a_table_or_a_view() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "echo ready; while :; do :; done";
        let _ = sampan.background(&["--name", "busy", "--network", "none"], script);
        let _ = sampan.background(&["--name", "idle", "--network", "none"], "exec sleep 1000");
        sampan.await_log("busy", "ready");
        let table = sampan.run(["top"]).ok().stdout();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].starts_with("CONTAINER ") && lines[0].ends_with("COMMAND"), "{table}");
        assert!(lines[1].starts_with("busy ") && lines[2].starts_with("idle "), "{table}");
        assert!(lines.len() == 3 && lines[2].ends_with("sleep 1000") && !table.contains('\x1b'), "{table}");
        let view = on_terminal(sampan, &["top"], 12, 60);
        view.expect("2 containers, 2 processes");
        view.expect("\x1b[7mCONTAINER");
        view.expect("busy");
        view.press("m");
        view.expect("idle");
        view.press("q");
        assert_eq!(view.wait().0, 0);
        // Without colours, if that is asked for.
        let plain = Terminal::start(sampan.command(["top"]).env("NO_COLOR", "1"), 12, 60);
        plain.expect("busy");
        plain.press("q");
        assert!(!plain.wait().1.contains("\x1b[7m"));
        // With a container it is Docker's.
        let _ = sampan.run(["top", "idle"]).ok().shows("UID ").shows("sleep 1000");
    });
}

#[test]
fn archives_are_counted_on_a_terminal_alone() {
    isolated(|sampan| {
        sampan.load_busybox();
        let archive = sampan.directory().join("saved.tar");
        let archive = archive.to_str().unwrap();
        let quiet = |words: &[&str]| {
            let outcome = sampan.run(words).ok();
            assert!(!outcome.stderr().contains('\x1b') && !outcome.stdout().contains('\x1b'), "{outcome}");
            outcome.stderr()
        };
        let shown = |words: &[&str], word: &str| {
            let (code, shown) = on_terminal(sampan, words, 24, 80).wait();
            assert!(code == 0 && shown.contains(word) && shown.contains("\x1b[2K"), "{words:?}: {shown:?}");
        };
        assert_eq!(quiet(&["save", "-o", archive, BUSYBOX]), "");
        shown(&["save", "-o", archive, BUSYBOX], "Saving  ");
        let _ = sampan.run(["create", "--name", "one", "--network", "none", BUSYBOX]).ok();
        assert_eq!(quiet(&["export", "-o", archive, "one"]), "");
        shown(&["export", "-o", archive, "one"], "Exporting  ");
        assert_eq!(quiet(&["import", archive, "again"]), "");
        shown(&["import", archive, "again"], "Reading     [");
        shown(&["cp", archive, "one:/x"], "Copying to container - ");
        let (_, quiet_copy) = on_terminal(sampan, &["cp", "--quiet", archive, "one:/x"], 24, 80).wait();
        assert_eq!(quiet_copy, "");
    });
}
