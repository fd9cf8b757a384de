//! `sampan-init -- command` held to docker-init's contract.
#![allow(clippy::unwrap_used, reason = "clippy's exception for tests does not reach a test's own functions")]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn init() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sampan-init"));
    command.arg("--");
    command
}

fn run(arguments: &[&str]) -> Output {
    init().args(arguments).output().unwrap()
}

#[test]
fn it_ends_as_the_command_ends() {
    assert_eq!(run(&["true"]).status.code(), Some(0));
    assert_eq!(run(&["sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(run(&["sh", "-c", "kill -9 $$"]).status.code(), Some(137));
    assert_eq!(run(&["sh", "-c", "kill -TERM $$"]).status.code(), Some(143));
}

#[test]
fn a_command_that_cannot_be_run_is_named() {
    let missing = run(&["/nonexistent/command"]);
    assert_eq!(missing.status.code(), Some(127));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nonexistent/command"), "{missing:?}");
    let not_executable = run(&["/etc/passwd"]);
    assert_eq!(not_executable.status.code(), Some(126));
    assert_eq!(Command::new(env!("CARGO_BIN_EXE_sampan-init")).output().unwrap().status.code(), Some(1));
}

#[test]
fn signals_reach_the_command() {
    let script = "trap 'echo user; ' USR1; trap 'exit 42' TERM; echo ready; while :; do sleep 0.02; done";
    let mut child = init().args(["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    kill_process(pid, Signal::USR1).unwrap();
    line.clear();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "user\n");
    kill_process(pid, Signal::TERM).unwrap();
    output.read_to_string(&mut line).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(42));
}

#[test]
fn the_command_starts_with_the_mask_and_dispositions_of_its_caller() {
    // No shell in between: some block every signal while they wait for a command.
    let [program, arguments @ ..] = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"];
    let direct = Command::new(program).args(arguments).output().unwrap();
    let through_init = run(&[&[program], &arguments[..]].concat());
    assert_eq!(String::from_utf8_lossy(&through_init.stdout), String::from_utf8_lossy(&direct.stdout));
    assert!(direct.status.success(), "{direct:?}");
}

#[test]
fn orphans_are_adopted_and_reaped() {
    // The orphan's parent is this program, and soon after its end no zombie of it is left.
    let script = "(sleep 0.1 & echo $!) ; sleep 0.5; cat /proc/$PPID/task/$PPID/children";
    let output = run(&["sh", "-c", script]);
    let text = String::from_utf8(output.stdout).unwrap();
    let orphan = text.lines().next().unwrap();
    let children: Vec<&str> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert!(!children.contains(&orphan), "{text}");
    assert_eq!(children.len(), 1, "{text}");
}

#[test]
fn on_a_terminal_the_command_is_the_foreground_group() {
    let program = env!("CARGO_BIN_EXE_sampan-init");
    let line = format!("{program} -- sh -c 'cut -d\" \" -f 1,5,8 /proc/$$/stat'");
    let output =
        Command::new("script").args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [pid, group, foreground] = fields[..] else { panic!("{text}") };
    assert_eq!((pid, pid), (group, foreground));
}
