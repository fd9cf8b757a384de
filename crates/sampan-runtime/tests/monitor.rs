//! The monitor, driven by its protocol: real namespaces and cgroups, busybox as the root file system.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

use ids::{ContainerId, ExecId, InstanceId};
use monitor::client::{Connection, Event, Handover, MonitorProcess, spawn};
use monitor::desired::{
    Desired, IpcPlan, LogPlan, NetworkPlan, RestartPolicy, SeccompChoice, StdioPlan, StopPlan, VERSION,
};
use monitor::facts::{self, Exited, Started};
use monitor::layout::{ContainerDirectories, data, exec};
use monitor::protocol::{self, FRAME_MAX, FailureKind, Frame, LaunchMode, Reply, Request, Streams};
use spec::rootfs::Rootfs;
use spec::runtime::{Linux, Mount, Namespace, Process, Root, Spec};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

/// An instance with one container whose root is a directory with busybox.
struct Instance {
    /// Removed with the instance.
    _root: tempfile::TempDir,
    directories: ContainerDirectories,
    desired: Desired,
    children: Vec<MonitorProcess>,
}

const BOTH: Streams = Streams { stdin: false, stdout: true, stderr: true };

impl Instance {
    fn new(arguments: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let id = ContainerId::random();
        let directories =
            ContainerDirectories::new(&root.path().join("data"), &root.path().join("exec"), &id);
        fs::create_dir_all(&directories.data).unwrap();
        fs::create_dir_all(&directories.exec).unwrap();
        fs::create_dir_all(root.path().join("data/events")).unwrap();
        let rootfs = root.path().join("rootfs");
        for directory in ["bin", "proc", "dev", "sys", "tmp"] {
            fs::create_dir_all(rootfs.join(directory)).unwrap();
        }
        fs::copy("/bin/busybox", rootfs.join("bin/busybox")).expect("the package busybox-static is needed");
        for applet in ["sh", "true", "sleep", "cat", "echo", "dd", "head"] {
            std::os::unix::fs::symlink("busybox", rootfs.join("bin").join(applet)).unwrap();
        }
        let desired = desired(&id, &rootfs, &directories, arguments);
        Self { _root: root, directories, desired, children: Vec::new() }
    }

    fn write_desired(&self) {
        facts::write(&self.directories.data, data::DESIRED, &self.desired, facts::Durability::Process)
            .unwrap();
    }

    /// Starts a monitor and returns the connection with its first reply.
    fn launch(&mut self, mode: LaunchMode, streams: Streams) -> (Connection, Reply) {
        self.write_desired();
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .read(true)
            .open(self.directories.exec.join(exec::LIVE_LOCK))
            .unwrap();
        assert!(kernel::lock::try_exclusive(&lock).unwrap(), "the container has an owner");
        let (data, exec) =
            (File::open(&self.directories.data).unwrap(), File::open(&self.directories.exec).unwrap());
        let request = Request::Launch {
            protocol: protocol::VERSION,
            build: "dev".into(),
            instance: InstanceId::parse("7e57cafe").unwrap(),
            mode,
            streams,
            terminal_size: Some((33, 101)),
            engine_waits: streams.any(),
            command_began_ns: None,
        };
        let program = Path::new(env!("CARGO_BIN_EXE_sampan-runtime"));
        let handover = Handover { live_lock: &lock, data: &data, exec: &exec, group: None };
        let (connection, child) = spawn(program, &request, &handover).unwrap();
        drop(lock);
        self.children.push(child);
        let (reply, _) = connection.reply().unwrap();
        (connection, reply)
    }

    fn start(&mut self, streams: Streams) -> Connection {
        match self.launch(LaunchMode::Start, streams) {
            (connection, Reply::Started { pid }) => {
                assert!(pid > 0);
                connection
            }
            (_, other) => panic!("{other:?}"),
        }
    }

    fn connect(&self) -> Connection {
        Connection::open(&self.directories).unwrap()
    }

    fn exited(&self) -> Option<Exited> {
        facts::read(&self.directories.data, data::EXITED)
    }

    fn started(&self) -> Option<Started> {
        facts::read(&self.directories.data, data::STARTED)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directories.data.join(data::LOG)).unwrap_or_default()
    }

    fn is_owned(&self) -> bool {
        let lock = File::options().write(true).open(self.directories.exec.join(exec::LIVE_LOCK)).unwrap();
        kernel::lock::is_locked(&lock).unwrap()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(started) = self.started().filter(Started::is_alive) {
            let pid = rustix::process::Pid::from_raw(started.pid).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
        for hierarchy in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let group = hierarchy.path().join(&self.desired.cgroup_path);
            let _ = fs::remove_dir(&group);
            // Shared by the tests; the last one takes it along.
            let _ = group.parent().map(fs::remove_dir);
        }
    }
}

fn desired(
    id: &ContainerId,
    rootfs: &Path,
    directories: &ContainerDirectories,
    arguments: &[&str],
) -> Desired {
    let mount = |destination: &str, kind: &str| Mount {
        destination: destination.into(),
        kind: kind.into(),
        source: Some(kind.into()),
        ..Mount::default()
    };
    let namespace = |kind: &str| Namespace { kind: kind.into(), path: None };
    let process = Process {
        cwd: "/".into(),
        env: vec!["PATH=/bin".into()],
        args: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        ..Process::default()
    };
    let spec = Spec {
        oci_version: spec::runtime::VERSION.into(),
        process: Some(process),
        root: Some(Root { path: rootfs.into(), readonly: false }),
        hostname: "test".into(),
        mounts: vec![mount("/proc", "proc"), mount("/dev", "tmpfs"), mount("/dev/pts", "devpts")],
        linux: Some(Linux {
            namespaces: ["pid", "network", "mount", "ipc", "uts", "cgroup"].map(namespace).into(),
            ..Linux::default()
        }),
        ..Spec::default()
    };
    Desired {
        version: VERSION,
        generation: 1,
        id: id.clone(),
        sandbox: id.clone().into(),
        name: "test".into(),
        image: "none".into(),
        network: NetworkPlan::None,
        pid_of: None,
        ipc: IpcPlan::Own,
        cgroup_path: format!("sampan-7e57cafe/{id}"),
        rootfs: Rootfs::Dir { path: rootfs.into() },
        spec,
        seccomp: SeccompChoice::Default,
        stdio: StdioPlan::default(),
        log: LogPlan::JsonFile { path: directories.data.join(data::LOG), max_size: None, max_files: 1 },
        restart: RestartPolicy::No,
        health: None,
        stop: StopPlan { signal: 15, timeout_seconds: 10 },
        auto_remove: false,
        reaper: Vec::new(),
    }
}

/// Everything until the release: standard output, standard error, the record.
fn follow(connection: &Connection) -> (Vec<u8>, Vec<u8>, Exited) {
    let (mut stdout, mut stderr, mut record) = (Vec::new(), Vec::new(), None);
    let mut buffer = vec![0; FRAME_MAX + 1];
    loop {
        match connection.next_frame(&mut buffer).unwrap() {
            Event::Frame(Frame::Stdout, bytes) => stdout.extend_from_slice(bytes),
            Event::Frame(Frame::Stderr, bytes) => stderr.extend_from_slice(bytes),
            Event::Frame(Frame::Exit, bytes) => record = Some(serde_json::from_slice(bytes).unwrap()),
            Event::Frame(Frame::Released, _) | Event::Closed => {
                return (stdout, stderr, record.expect("a record"));
            }
            Event::Frame(other, _) => panic!("{other:?}"),
        }
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < patience, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn runs_logs_records_and_releases() {
    let mut instance = Instance::new(&["sh", "-c", "echo out; echo err >&2; exit 7"]);
    let connection = instance.start(BOTH);
    let (stdout, stderr, record) = follow(&connection);
    assert_eq!((stdout.as_slice(), stderr.as_slice(), record.exit_code), (&b"out\n"[..], &b"err\n"[..], 7));
    assert!(!instance.is_owned());
    assert_eq!(instance.exited().unwrap(), record);
    assert!(instance.log().contains(r#"{"log":"out\n","stream":"stdout","time":""#));
    assert!(instance.log().contains(r#"{"log":"err\n","stream":"stderr","time":""#));
    let left: Vec<_> =
        fs::read_dir(&instance.directories.exec).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [exec::LIVE_LOCK]);
}

#[test]
fn a_missing_command_is_typed_and_leaves_nothing() {
    for (command, kind) in
        [("/no/such", FailureKind::CommandNotFound), ("/proc", FailureKind::CommandNotExecutable)]
    {
        let mut instance = Instance::new(&[command]);
        let (_, reply) = instance.launch(LaunchMode::Start, BOTH);
        let Reply::Failed { kind: seen, message } = reply else { panic!("{reply:?}") };
        assert_eq!(seen, kind, "{message}");
        assert!(message.contains(command), "{message}");
        assert!(instance.started().is_none());
        wait_until("the monitor has gone", || !instance.is_owned());
    }
}

#[test]
fn stops_politely_then_firmly() {
    let mut instance = Instance::new(&["sleep", "1000"]);
    let _control = instance.start(Streams::default());
    let begun = Instant::now();
    // As pid 1 with default dispositions, sleep ignores SIGTERM.
    let reply = instance.connect().ask(&Request::Stop { signal: 15, timeout_seconds: 1 }).unwrap();
    let Reply::Exited(record) = reply else { panic!("{reply:?}") };
    assert_eq!(record.exit_code, 137);
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(5));
    wait_until("the monitor has gone", || !instance.is_owned());
}

#[test]
fn input_reaches_the_container_and_its_end_too() {
    let mut instance = Instance::new(&["cat"]);
    instance.desired.stdio = StdioPlan { open_stdin: true, stdin_once: true, terminal: false };
    let connection = instance.start(Streams { stdin: true, stdout: true, stderr: true });
    let text = vec![b'x'; 300_000];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for part in text.chunks(FRAME_MAX) {
                connection.send_frame(Frame::Stdin, part).unwrap();
            }
            connection.send_frame(Frame::Stdin, &[]).unwrap();
        });
        let (stdout, _, record) = follow(&connection);
        assert_eq!((stdout.len(), record.exit_code), (text.len(), 0));
    });
}

#[test]
fn a_slow_client_loses_nothing() {
    let mut instance = Instance::new(&["sh", "-c", "head -c 5000000 /dev/zero"]);
    instance.desired.log = LogPlan::None;
    let connection = instance.start(BOTH);
    std::thread::sleep(Duration::from_millis(300));
    let (stdout, _, record) = follow(&connection);
    assert_eq!((stdout.len(), record.exit_code), (5_000_000, 0));
}

#[test]
fn executes_further_processes() {
    let mut instance = Instance::new(&["sleep", "1000"]);
    let _control = instance.start(Streams::default());
    let mut process = instance.desired.spec.process.clone().unwrap();
    process.args = ["sh", "-c", "echo $$; cat; exit 5"].map(String::from).into();
    let connection = instance.connect();
    let streams = Streams { stdin: true, stdout: true, stderr: true };
    let request = Request::Exec {
        id: ExecId::random(),
        process: Box::new(process.clone()),
        streams,
        privileged: false,
    };
    let reply = connection.ask(&request).unwrap();
    assert!(matches!(reply, Reply::ExecStarted { .. }), "{reply:?}");
    connection.send_frame(Frame::Stdin, b"hello").unwrap();
    connection.send_frame(Frame::Stdin, &[]).unwrap();
    let (stdout, _, record) = follow(&connection);
    assert_eq!(record.exit_code, 5);
    let text = String::from_utf8(stdout).unwrap();
    assert!(text.ends_with("hello") && !text.starts_with("1\n"), "{text}");
    process.args = vec!["nope".into()];
    let id = ExecId::random();
    let request = Request::Exec { id, process: Box::new(process), streams: BOTH, privileged: false };
    let reply = instance.connect().ask(&request).unwrap();
    assert!(matches!(reply, Reply::Failed { kind: FailureKind::CommandNotFound, .. }), "{reply:?}");
}

#[test]
fn restarts_by_policy_until_stopped() {
    let mut instance = Instance::new(&["sh", "-c", "exit 3"]);
    instance.desired.restart = RestartPolicy::OnFailure { maximum_retry_count: 2 };
    let _control = instance.start(Streams::default());
    let reply = instance.connect().ask(&Request::Wait { any: false }).unwrap();
    let Reply::Exited(record) = reply else { panic!("{reply:?}") };
    assert_eq!((record.exit_code, record.restart_count, record.restarting), (3, 2, false), "{record:?}");
}

#[test]
fn a_terminal_has_the_asked_size_and_can_change_it() {
    let mut instance = Instance::new(&["sh", "-c", "busybox stty size; read x; busybox stty size"]);
    instance.desired.stdio = StdioPlan { terminal: true, open_stdin: true, stdin_once: true };
    instance.desired.spec.process.as_mut().unwrap().terminal = true;
    let connection = instance.start(Streams { stdin: true, stdout: true, stderr: false });
    connection.send_frame(Frame::Resize, &[44, 0, 55, 0]).unwrap();
    connection.send_frame(Frame::Stdin, b"\n").unwrap();
    let (stdout, _, record) = follow(&connection);
    let text = String::from_utf8(stdout).unwrap();
    assert!(text.contains("44 55"), "{text}");
    assert_eq!(record.exit_code, 0);
}

#[test]
fn a_lost_monitor_is_replaced_and_the_container_goes_on() {
    let mut instance =
        Instance::new(&["sh", "-c", "i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.02; done"]);
    let _control = instance.start(Streams::default());
    wait_until("it has written", || instance.log().contains("tick 1"));
    instance.children[0].kill().unwrap();
    instance.children[0].wait().unwrap();
    wait_until("the lock is free", || !instance.is_owned());
    std::thread::sleep(Duration::from_millis(200));
    assert!(instance.started().unwrap().is_alive(), "the container died with its monitor");
    let (_control, reply) = instance.launch(LaunchMode::Adopt, Streams::default());
    assert!(matches!(reply, Reply::Started { .. }), "{reply:?}");
    wait_until("output flows again", || instance.log().matches("tick").count() > 30);
    let text = instance.log();
    let numbers: Vec<u32> = text
        .lines()
        .map(|line| line.split("tick ").nth(1).unwrap().split('\\').next().unwrap().parse().unwrap())
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "a line is missing: {numbers:?}");
    let reply = instance.connect().ask(&Request::Stop { signal: 9, timeout_seconds: 5 }).unwrap();
    let Reply::Exited(record) = reply else { panic!("{reply:?}") };
    assert_eq!(record.exit_code, 137);
}

#[test]
fn a_container_that_died_with_its_monitor_is_recorded() {
    let mut instance = Instance::new(&["sleep", "1000"]);
    let _control = instance.start(Streams::default());
    let pid = rustix::process::Pid::from_raw(instance.started().unwrap().pid).unwrap();
    instance.children[0].kill().unwrap();
    instance.children[0].wait().unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    wait_until("it has died", || !instance.started().unwrap().is_alive());
    let (_control, reply) = instance.launch(LaunchMode::Recover, Streams::default());
    assert!(matches!(reply, Reply::Started { .. }), "{reply:?}");
    wait_until("the end is recorded", || instance.exited().is_some());
    let record = instance.exited().unwrap();
    assert_eq!((record.exit_code, record.error.as_str()), (137, "monitor-lost"));
    wait_until("the monitor has gone", || !instance.is_owned());
}

#[test]
fn pauses_and_goes_on() {
    let mut instance = Instance::new(&["sh", "-c", "while :; do echo tick; sleep 0.02; done"]);
    let _control = instance.start(Streams::default());
    wait_until("it has written", || instance.log().contains("tick"));
    assert_eq!(instance.connect().ask(&Request::Pause).unwrap(), Reply::Done);
    assert!(instance.started().unwrap().paused);
    std::thread::sleep(Duration::from_millis(100));
    let before = instance.log().len();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(instance.log().len(), before);
    let again = instance.connect().ask(&Request::Pause).unwrap();
    assert!(matches!(again, Reply::Failed { kind: FailureKind::WrongState, .. }), "{again:?}");
    assert_eq!(instance.connect().ask(&Request::Unpause).unwrap(), Reply::Done);
    wait_until("it writes again", || instance.log().len() > before);
}

#[test]
fn system_calls_are_filtered() {
    let mut instance = Instance::new(&[
        "sh",
        "-c",
        "busybox grep Seccomp: /proc/self/status; busybox mount -t tmpfs x /tmp",
    ]);
    instance.desired.seccomp = SeccompChoice::Default;
    let connection = instance.start(BOTH);
    let (stdout, stderr, record) = follow(&connection);
    assert_eq!(String::from_utf8_lossy(&stdout), "Seccomp:\t2\n");
    assert_ne!(record.exit_code, 0, "mount(2) was not refused: {}", String::from_utf8_lossy(&stderr));
}
