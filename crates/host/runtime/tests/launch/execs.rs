//! Further processes in a running container.

use crate::Test;
use crate::container::{Container, chain, output, reap, streams, text, words};
use runtime::{ExecLaunch, LaunchError, Started, Stdio};
use spec::runtime::Process;
use std::io::Read;
use std::os::fd::AsFd;

pub(crate) const TESTS: &[Test] = &[
    ("a_further_process_is_inside", inside),
    ("a_further_process_has_its_own_identity", identity),
    ("a_further_process_keeps_to_its_cpus", cpus),
    ("a_further_terminal_is_the_container_s", terminal),
    ("a_further_program_that_is_missing_is_named", missing),
    ("the_caller_stays_in_its_namespaces", caller),
    ("an_ended_container_takes_no_further_process", ended),
];

struct Running {
    _container: Container,
    first: Started,
}

impl Running {
    fn new() -> Self {
        let mut container = Container::new("");
        container.process().args = words(&["sleep", "60"]);
        let first = container.create(&output()).unwrap().start().unwrap();
        Running { _container: container, first }
    }

    fn exec(&self, process: &Process) -> Result<(i32, String), LaunchError> {
        let out = output();
        let launch = ExecLaunch::new(self.first.pidfd.as_fd(), process, Stdio::Fds(streams(&out)));
        let (started, terminal) = runtime::exec(launch)?;
        assert!(terminal.is_none());
        Ok((reap(&started), text(out)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kernel::process::send_signal(self.first.pidfd.as_fd(), 9).unwrap();
        assert_eq!(reap(&self.first), 137);
    }
}

fn process(script: &str) -> Process {
    Process {
        cwd: "/tmp".into(),
        args: words(&["sh", "-c", script]),
        env: words(&["PATH=/bin"]),
        ..Process::default()
    }
}

fn inside() {
    let running = Running::new();
    let script =
        "cat /proc/sys/kernel/hostname; pwd; cat /proc/1/cmdline; [ $$ != 1 ] && echo further; exit 7";
    let (code, said) = running.exec(&process(script)).unwrap();
    assert_eq!((code, said.replace('\0', " ")), (7, "inside\n/tmp\nsleep 60 further\n".to_owned()));
    let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
    let (_, said) = running.exec(&process("readlink /proc/self/ns/net")).unwrap();
    assert_eq!(of(&running.first.pid.to_string()).to_str().unwrap(), said.trim_end());
}

fn identity() {
    let mut process = process("id -u; cat /proc/self/status");
    process.user.uid = 33;
    let (_, said) = Running::new().exec(&process).unwrap();
    assert!(said.starts_with("33\n") && said.contains("CapBnd:\t0000000000000000"), "{said}");
}

fn terminal() {
    let running = Running::new();
    let mut process = process("tty; stty size; echo $HOME");
    process.terminal = true;
    process.console_size = Some(spec::runtime::ConsoleSize { height: 20, width: 70 });
    let launch = ExecLaunch::new(running.first.pidfd.as_fd(), &process, Stdio::Terminal);
    let (started, master) = runtime::exec(launch).unwrap();
    let mut said = Vec::new();
    let _ = std::fs::File::from(master.unwrap()).read_to_end(&mut said);
    assert_eq!(reap(&started), 0);
    assert_eq!(String::from_utf8(said).unwrap().replace('\r', ""), "/dev/pts/0\n20 70\n/root\n");
}

fn missing() {
    let running = Running::new();
    let mut process = process("");
    process.args = words(&["nothing"]);
    let error = running.exec(&process).unwrap_err();
    assert_eq!(error.exit_code(), 127);
    assert_eq!(chain(&error), "exec: \"nothing\": executable file not found in $PATH");
}

fn caller() {
    let links = || {
        ["pid_for_children", "mnt", "net", "uts"]
            .map(|name| std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap())
    };
    let before = links();
    Running::new().exec(&process("true")).unwrap();
    assert_eq!(links(), before);
}

fn ended() {
    let container = Container::new("true");
    let first = container.create(&output()).unwrap().start().unwrap();
    reap(&first);
    let process = process("true");
    let launch = ExecLaunch::new(first.pidfd.as_fd(), &process, Stdio::Fds(streams(&output())));
    let error = runtime::exec(launch).unwrap_err();
    assert!(chain(&error).contains("no such process"), "{}", chain(&error));
}

fn cpus() {
    let mut process = process("grep Cpus_allowed_list /proc/self/status");
    process.exec_cpu_affinity = Some(spec::runtime::CpuAffinity { initial: "0-1".into(), last: "0".into() });
    let (_, said) = Running::new().exec(&process).unwrap();
    assert_eq!(said, "Cpus_allowed_list:\t0\n");
}
