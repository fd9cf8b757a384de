//! `run --rm` of the embedded image: no network, no download.

use tests::census::Census;
use tests::sampan::DEMO_IMAGE;
use tests::{fixture, isolated};

#[test]
fn the_exit_code_is_the_commands() {
    isolated(|sampan| {
        let _ = sampan.demo(&[], &["true"]).ok().prints("").is_quiet();
        let _ = sampan.demo(&[], &["false"]).fails_with(1).is_quiet();
        let _ = sampan.demo(&[], &["exit", "7"]).fails_with(7).is_quiet();
    });
}

#[test]
fn a_command_that_is_not_there_is_127() {
    isolated(|sampan| {
        let _ =
            sampan.demo(&[], &["nonexistent"]).fails_with(127).prints("").says("nonexistent").says_one_line();
        let _ =
            sampan.demo(&[], &["/bin/nonexistent"]).fails_with(127).says("/bin/nonexistent").says_one_line();
    });
}

#[test]
fn a_command_that_cannot_be_executed_is_126() {
    isolated(|sampan| {
        let _ = sampan.demo(&[], &["/etc"]).fails_with(126).prints("").says("/etc").says_one_line();
    });
}

#[test]
fn a_wrong_command_line_is_125() {
    isolated(|sampan| {
        let _ =
            sampan.run(["run", "--rm", "--no-such-flag", DEMO_IMAGE]).fails_with(125).says("--no-such-flag");
        let _ = sampan.demo(&["--memory", "much"], &["true"]).fails_with(125).says("much").says_one_line();
    });
}

#[test]
fn output_and_error_are_kept_apart() {
    isolated(|sampan| {
        let _ = sampan.demo(&[], &["echo", "one  two"]).ok().prints("one  two\n").is_quiet();
        let _ = sampan.demo(&[], &["cat", "/nonexistent"]).fails_with(1).prints("").says("/nonexistent");
    });
}

#[test]
fn standard_input_arrives_with_interactive_only() {
    isolated(|sampan| {
        let words = |options: &'static [&str]| {
            ["run", "--rm", "--network", "none"].iter().chain(options).chain(&[DEMO_IMAGE, "cat"]).copied()
        };
        let _ = sampan.command(words(&["-i"])).input("through\n").run().ok().prints("through\n");
        let _ = sampan.command(words(&[])).input("not through\n").run().ok().prints("");
    });
}

#[test]
fn the_demo_shows_the_container_from_inside() {
    isolated(|sampan| {
        let page = sampan.demo(&["--hostname", "first", "--memory", "64m", "--pids-limit", "32"], &[]).ok();
        let page = page.is_quiet();
        for line in
            ["pid 1, alone, user 0", "host name        first", "overlay", "at most 64 MiB", "at most 32"]
        {
            assert!(page.stdout().contains(line), "no {line:?} in\n{}", page.stdout());
        }
        let page = page.shows("filtering, 1 filter").shows("14 of ").shows("after you pressed return");
        assert!(!page.stdout().contains('\x1b'), "colour without a terminal\n{}", page.stdout());
    });
}

#[test]
fn namespaces_differ_from_the_callers() {
    isolated(|sampan| {
        let page = sampan.demo(&[], &[]).ok().stdout();
        for kind in ["mnt", "pid", "net", "ipc", "uts"] {
            let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
            let inode: String = link.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
            assert!(!page.contains(&format!("{kind} {inode}")), "{kind} {inode} is the caller's own\n{page}");
        }
    });
}

#[test]
fn limits_hold() {
    isolated(|sampan| {
        let _ = sampan.run(["load", "--input", fixture::busybox_archive().to_str().unwrap()]).ok();
        let busybox = |options: &[&'static str], script: &'static str| {
            let words = ["run", "--rm", "--network", "none"].iter().chain(options);
            sampan.run(words.chain(&["busybox", "sh", "-c", script]))
        };
        // tail keeps everything until the first newline in memory.
        let _ = busybox(&["--memory", "16m"], "head -c 64m /dev/zero | tail; exit $?").fails_with(137);
        let _ =
            busybox(&["--pids-limit", "8"], "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 5 & done").says("fork");
    });
}

#[test]
fn nothing_is_left_behind() {
    isolated(|sampan| {
        // The first run makes the instance: its directories, its database, the image.
        let _ = sampan.demo(&[], &["true"]).ok();
        let before = sampan.census();
        for command in [&["true"][..], &["exit", "7"], &["nonexistent"], &["/etc"]] {
            let _ = sampan.demo(&[], command);
        }
        let _ = sampan.demo(&["--memory", "much"], &["true"]);
        sampan.require_no_leak_since(&before, Census::clone);
        println!("before and after: {}", before.summary());
    });
}

#[test]
fn twenty_at_once_all_end_well() {
    isolated(|sampan| {
        let words = ["run", "--rm", "--network", "none", DEMO_IMAGE, "exit", "3"];
        let running: Vec<_> = (0..20).map(|_| sampan.command(words).start()).collect();
        for one in running {
            let _ = one.wait().fails_with(3).is_quiet();
        }
    });
}

#[test]
fn the_first_instruction_is_timed_from_the_command() {
    isolated(|sampan| {
        let _ = sampan.demo(&[], &["true"]).ok();
        let page = sampan.demo(&[], &[]).ok();
        let limit_ms = page.elapsed.as_secs_f64() * 1000.0;
        let line =
            page.stdout().lines().find(|line| line.contains("First instruction")).map(String::from).unwrap();
        let told: f64 = line.split_whitespace().nth(2).unwrap().parse().unwrap();
        assert!(told > 0.0 && told <= limit_ms, "{line}, but the whole command took {limit_ms:.1} ms");
    });
}
