//! A container at a terminal, through a real pseudo-terminal: what a person at a keyboard has.

use std::thread;
use std::time::Duration;
use tests::container::BUSYBOX;
use tests::{Sampan, Terminal, fixture, isolated};

const CTRL_C: [u8; 1] = [3];
const CTRL_P_CTRL_Q: [u8; 2] = [16, 17];

fn terminal(sampan: &Sampan, words: &[&str]) -> Terminal {
    Terminal::start(sampan.command(words), 24, 80)
}

fn shell(sampan: &Sampan, options: &[&str]) -> Terminal {
    let options: Vec<&str> = ["-it"].iter().chain(options).copied().collect();
    let terminal = terminal(sampan, &sampan.run_words(&options, BUSYBOX, &["sh"]));
    terminal.expect("# ");
    terminal
}

#[test]
fn a_terminal_is_a_terminal_inside_and_outside() {
    isolated(|sampan| {
        sampan.load_busybox();
        let shell = shell(sampan, &["--rm"]);
        shell.press("tty; echo $TERM; test -t 0 && test -t 1 && test -t 2 && echo all three\n");
        shell.expect("/dev/pts/0");
        shell.expect("xterm");
        shell.expect("\nall three");
        shell.press("exit 7\n");
        assert_eq!(shell.wait().0, 7);
        // Without -t it is none, even for a caller who has one.
        let plain = terminal(
            sampan,
            &sampan.run_words(&["--rm", "-i"], BUSYBOX, &["sh", "-c", "test -t 1; echo is $?"]),
        );
        plain.expect("is 1");
        assert_eq!(plain.wait().0, 0);
    });
}

#[test]
fn a_terminal_needs_a_terminal() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.busybox(&["-it"], "true").fails_with(1).says("the input device is not a TTY");
        // -t alone is fine for a script: the output is a terminal's, with its line ends.
        let _ = sampan.busybox(&["-t"], "test -t 1 && echo yes").ok().prints("yes\r\n");
    });
}

#[test]
fn ctrl_c_and_job_control_work() {
    isolated(|sampan| {
        sampan.load_busybox();
        let shell = shell(sampan, &["--rm"]);
        shell.press("sleep 100\n");
        shell.expect("sleep 100");
        thread::sleep(Duration::from_millis(200));
        shell.press(CTRL_C);
        shell.expect("# ");
        shell.press("echo code $?\n");
        shell.expect("code 130");
        // Ctrl-Z stops, fg continues.
        shell.press("sleep 100\n");
        shell.expect("sleep 100");
        thread::sleep(Duration::from_millis(200));
        shell.press([26]);
        shell.expect("Stopped");
        shell.press("jobs\n");
        shell.expect("Stopped");
        shell.press("fg\n");
        shell.expect("sleep 100");
        thread::sleep(Duration::from_millis(100));
        shell.press(CTRL_C);
        shell.expect("# ");
        // Ctrl-D is the end, once the shell reads keys itself.
        thread::sleep(Duration::from_millis(200));
        shell.press([4]);
        assert_eq!(shell.wait().0, 130);
    });
}

#[test]
fn the_size_is_told_and_changes() {
    isolated(|sampan| {
        sampan.load_busybox();
        let shell =
            Terminal::start(sampan.command(sampan.run_words(&["--rm", "-it"], BUSYBOX, &["sh"])), 33, 101);
        shell.expect("# ");
        shell.press("stty size\n");
        shell.expect("33 101");
        shell.press("trap 'echo WINCH' WINCH\n");
        shell.resize(44, 122);
        thread::sleep(Duration::from_millis(300));
        shell.press("stty size\n");
        shell.expect("44 122");
        shell.press("exit\n");
        assert_eq!(shell.wait().0, 0);
    });
}

#[test]
fn detach_keys_leave_it_running() {
    isolated(|sampan| {
        sampan.load_busybox();
        let first = shell(sampan, &["--name", "one"]);
        first.press("mark=here\n");
        first.expect("# ");
        first.press(CTRL_P_CTRL_Q);
        assert_eq!(first.wait().0, 0);
        let _ = sampan.run(["ps", "--format", "{{.Names}} {{.Status}}"]).ok().shows("one Up");
        let again = terminal(sampan, &["attach", "one"]);
        again.press("echo mark $mark\n");
        again.expect("mark here");
        again.press("exit 5\n");
        assert_eq!(again.wait().0, 5);
        assert_eq!(sampan.field("one", "{{.State.Status}} {{.State.ExitCode}}"), "exited 5");
    });
}

#[test]
fn detach_keys_can_be_others() {
    isolated(|sampan| {
        sampan.load_busybox();
        let first = shell(sampan, &["--name", "one", "--detach-keys", "ctrl-a,x"]);
        // Half of the old keys go through to the shell (and there to its history).
        first.press([1]);
        thread::sleep(Duration::from_millis(100));
        first.press("x");
        assert_eq!(first.wait().0, 0);
        assert_eq!(sampan.field("one", "{{.State.Status}}"), "running");
        let _ = sampan
            .busybox(&["-d", "--detach-keys", "ctrl-nonsense"], "true")
            .fails_with(125)
            .says("ctrl-nonsense");
    });
}

#[test]
fn a_terminal_for_exec() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one"], "sleep 100");
        let shell = terminal(sampan, &["exec", "-it", "one", "sh"]);
        shell.expect("# ");
        shell.press("tty; stty size\n");
        shell.expect("/dev/pts/");
        shell.expect("24 80");
        shell.resize(30, 90);
        thread::sleep(Duration::from_millis(300));
        shell.press("stty size\n");
        shell.expect("30 90");
        shell.press("exit 4\n");
        assert_eq!(shell.wait().0, 4);
        assert_eq!(sampan.field("one", "{{.State.Status}}"), "running");
    });
}

#[test]
fn the_terminal_is_given_back_as_it_was() {
    isolated(|sampan| {
        sampan.load_busybox();
        let program = std::env::var("SAMPAN_BIN").map_or_else(|_| tests::paths::program(), Into::into);
        let line = format!(
            "stty -a > before; {} run --rm -it --network none busybox true; stty -a > after; cmp before after && echo same",
            program.display()
        );
        let command = tests::Invocation::new("sh", ["-c", &line]).directory(sampan.directory());
        let command =
            command.env("SAMPAN_DATA_ROOT", sampan.data_root()).env("SAMPAN_EXEC_ROOT", sampan.exec_root());
        let terminal = Terminal::start(command, 24, 80);
        terminal.expect("same");
        assert_eq!(terminal.wait().0, 0);
    });
}

#[test]
fn logs_keep_what_a_terminal_showed() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["-t", "--name", "one"], "echo shown; echo wrong >&2");
        sampan.await_status("one", "exited");
        let _ = sampan.run(["logs", "one"]).ok().prints("shown\r\nwrong\r\n").is_quiet();
    });
}

#[test]
fn a_debian_shell_is_interactive() {
    isolated(|sampan| {
        let root = fixture::debian_root();
        let _ = sampan
            .command(["import", root.to_str().unwrap(), "debian"])
            .limit(Duration::from_secs(120))
            .run()
            .ok();
        let shell = terminal(
            sampan,
            &["run", "--rm", "-it", "--network", "none", "--hostname", "deb", "debian", "bash"],
        );
        shell.expect("root@deb:/#");
        shell.press("sleep 100 &\n");
        shell.expect("[1] ");
        shell.press("jobs\n");
        shell.expect("Running");
        shell.press("kill %1; cat /etc/debian_version\n");
        shell.expect("12.");
        shell.press("id -un; echo $((6*7))\n");
        shell.expect("root");
        shell.expect("42");
        shell.press("exit\n");
        assert_eq!(shell.wait().0, 0);
    });
}
