//! From create to delete (runtime.md, "Lifecycle").

use crate::Test;
use crate::engine::{Engine, ended};
use serde_json::Value;
use std::io::{IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::process::Stdio;

pub(crate) const TESTS: &[Test] = &[
    ("a_container_goes_from_create_to_delete", whole),
    ("run_gives_output_and_exit_code_and_leaves_nothing", run),
    ("run_detached_returns_at_once", detached),
    ("signals_of_run_reach_the_container", forwarded),
    ("delete_by_force_ends_what_runs", force),
    ("a_paused_container_stands_still", paused),
    ("limits_are_set_and_changed", limits),
    ("the_terminal_goes_to_the_console_socket", console),
    ("a_killed_create_leaves_nothing_running", killed_create),
    ("hooks_see_the_whole_life", hooks),
    ("list_shows_every_container", list),
    ("features_and_spec_are_json", documents),
];

fn whole() {
    let mut engine = Engine::new("echo started; exec sleep 60");
    let pid_file = engine.directory.path().join("pid");
    let output = engine.create("c1");
    assert_eq!(engine.status("c1"), "created");
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "");
    engine.done(&["start", "c1"]);
    assert_eq!(engine.status("c1"), "running");
    let again = engine.call(&["start", "c1"]);
    assert!(again.err.contains("container \"c1\" is running; only a created"), "{again:?}");
    let refused = engine.call(&["delete", "c1"]);
    assert!(refused.code == 1 && refused.err.contains("stop it first"), "{refused:?}");
    engine.done(&["kill", "c1", "KILL"]);
    engine.await_status("c1", "stopped");
    assert_eq!(engine.pid("c1"), 0);
    let late = engine.call(&["kill", "c1"]);
    assert!(late.code == 1 && late.err.contains("is stopped"), "{late:?}");
    engine.done(&["delete", "c1"]);
    assert!(engine.call(&["state", "c1"]).err.contains("container \"c1\" does not exist"));
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "started\n");
    assert!(!pid_file.exists());
}

fn run() {
    let mut engine = Engine::new("echo out; echo err >&2; cat /proc/sys/kernel/hostname; exit 7");
    engine.save("c1");
    let bundle = engine.bundle();
    let pid_file = engine.directory.path().join("pid");
    let arguments = ["run", "-b", bundle.to_str().unwrap(), "--pid-file", pid_file.to_str().unwrap(), "c1"];
    let said = engine.call(&arguments);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (7, "out\nsampan\n", "err\n"));
    assert!(std::fs::read_to_string(pid_file).unwrap().parse::<i32>().unwrap() > 1);
    assert_eq!(engine.done(&["list", "-q"]), "");
}

fn detached() {
    let mut engine = Engine::new("sleep 60");
    engine.save("c1");
    let bundle = engine.bundle();
    // The container keeps the streams open: whoever wants them is not to wait for their end.
    let mut command = engine.command(&["run", "-d", "-b", bundle.to_str().unwrap(), "c1"]);
    assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    assert_eq!(engine.status("c1"), "running");
    let listed: Vec<i64> = serde_json::from_str(&engine.done(&["ps", "-f", "json", "c1"])).unwrap();
    assert!(listed.contains(&engine.pid("c1")), "{listed:?}");
    engine.done(&["delete", "--force", "c1"]);
}

fn forwarded() {
    let mut engine = Engine::new("trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.1; done");
    engine.save("c1");
    let bundle = engine.bundle();
    let mut command = engine.command(&["run", "-b", bundle.to_str().unwrap(), "c1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let pidfd = kernel::process::pidfd_open(child.id() as i32).unwrap();
    kernel::process::send_signal(pidfd.as_fd(), 15).unwrap();
    let said = ended(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (5, "got\n"));
}

fn force() {
    let mut engine = Engine::new("sleep 60");
    engine.create("c1");
    engine.done(&["delete", "-f", "c1"]);
    engine.create("c1");
    engine.done(&["start", "c1"]);
    engine.done(&["delete", "-f", "c1"]);
    engine.done(&["delete", "-f", "c1"]);
}

fn paused() {
    let mut engine = Engine::new("sleep 60");
    engine.create("c1");
    engine.done(&["start", "c1"]);
    engine.done(&["pause", "c1"]);
    assert_eq!(engine.status("c1"), "paused");
    assert!(engine.call(&["exec", "c1", "true"]).err.contains("is paused"));
    assert!(engine.call(&["pause", "c1"]).err.contains("is paused"));
    engine.done(&["resume", "c1"]);
    assert_eq!(engine.status("c1"), "running");
    engine.done(&["kill", "--all", "c1", "KILL"]);
    engine.await_status("c1", "stopped");
    engine.done(&["delete", "c1"]);
}

/// What a file of the container's group says, whichever version has it.
fn limit_of(engine: &Engine, names: [&str; 2]) -> String {
    let group = engine.config["linux"]["cgroupsPath"].as_str().unwrap();
    let [v1, v2] = names;
    let controller = v1.split('.').next().unwrap();
    let paths = [
        format!("/sys/fs/cgroup/{controller}{group}/{v1}"),
        format!("/sys/fs/cgroup{group}/{v2}"),
        format!("/sys/fs/cgroup/unified{group}/{v2}"),
    ];
    paths.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap().trim().to_owned()
}

fn limits() {
    let mut engine = Engine::new("sleep 60");
    engine.config["linux"]["resources"]["memory"] = serde_json::json!({ "limit": 67_108_864 });
    engine.config["linux"]["resources"]["pids"] = serde_json::json!({ "limit": 17 });
    engine.create("c1");
    let memory = ["memory.limit_in_bytes", "memory.max"];
    assert_eq!(limit_of(&engine, memory), "67108864");
    assert_eq!(limit_of(&engine, ["pids.max", "pids.max"]), "17");
    let change = engine.directory.path().join("change.json");
    std::fs::write(&change, "{\"memory\":{\"limit\":33554432}}").unwrap();
    engine.done(&["update", "-r", change.to_str().unwrap(), "c1"]);
    assert_eq!(limit_of(&engine, memory), "33554432");
    engine.done(&["delete", "-f", "c1"]);
}

fn console() {
    let mut engine = Engine::new("tty; id -u");
    engine.config["process"]["terminal"] = true.into();
    engine.save("c1");
    let path = engine.directory.path().join("console");
    let listener = UnixListener::bind(&path).unwrap();
    let bundle = engine.bundle();
    let (bundle, socket) = (bundle.to_str().unwrap(), path.to_str().unwrap());
    let without = engine.call(&["create", "-b", bundle, "c1"]);
    assert!(without.err.contains("process.terminal needs --console-socket"), "{without:?}");
    engine.done(&["create", "-b", bundle, "--console-socket", socket, "c1"]);
    let (connection, _) = listener.accept().unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = rustix::net::RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 64];
    let flags = rustix::net::RecvFlags::CMSG_CLOEXEC;
    rustix::net::recvmsg(connection.as_fd(), &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags)
        .unwrap();
    let mut fds = ancillary.drain().filter_map(|message| match message {
        rustix::net::RecvAncillaryMessage::ScmRights(fds) => Some(fds.collect::<Vec<_>>()),
        _ => None,
    });
    let master = fds.next().unwrap().remove(0);
    engine.done(&["start", "c1"]);
    let mut said = Vec::new();
    let _ = std::fs::File::from(master).read_to_end(&mut said);
    assert_eq!(String::from_utf8(said).unwrap(), "/dev/pts/0\r\n0\r\n");
    engine.await_status("c1", "stopped");
    engine.done(&["delete", "c1"]);
}

fn killed_create() {
    let mut engine = Engine::new("sleep 60");
    // A hook that takes long: the runtime is killed while the container's process waits for it.
    engine.config["hooks"] =
        serde_json::json!({ "createRuntime": [{ "path": "/bin/sleep", "args": ["sleep", "0.5"] }] });
    engine.save("c1");
    let bundle = engine.bundle();
    let mut command = engine.command(&["create", "-b", bundle.to_str().unwrap(), "c1"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let made = loop {
        let listed = std::fs::read_to_string(&children).unwrap();
        // The container's process and the hook.
        if listed.split_whitespace().count() == 2 {
            break listed.split_whitespace().next().unwrap().to_owned();
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let gone =
        || !std::fs::read_to_string(format!("/proc/{made}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    for _ in 0..500 {
        if gone() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(gone(), "the container's process outlived its maker");
    // Only the directory is left, and nobody but delete by force takes the id.
    assert!(engine.call(&["delete", "c1"]).err.contains("is creating"));
    assert!(engine.group_exists("c1"));
    engine.done(&["delete", "-f", "c1"]);
    assert!(!engine.group_exists("c1"));
    engine.config.as_object_mut().unwrap().remove("hooks");
    engine.create("c1");
    engine.done(&["delete", "-f", "c1"]);
}

fn hooks() {
    let mut engine = Engine::new("true");
    let log = engine.directory.path().join("log");
    let note = format!("grep -o '\"status\":\"[a-z]*\"' >> {}", log.display());
    let hook =
        serde_json::json!([{ "path": "/bin/sh", "args": ["sh", "-c", note], "env": ["PATH=/usr/bin:/bin"] }]);
    for point in ["prestart", "createRuntime", "createContainer", "poststart", "poststop"] {
        engine.config["hooks"][point] = hook.clone();
    }
    engine.create("c1");
    engine.done(&["start", "c1"]);
    engine.await_status("c1", "stopped");
    engine.done(&["delete", "c1"]);
    let told = std::fs::read_to_string(log).unwrap().replace("\"status\":", "").replace('"', "");
    assert_eq!(
        told.split_whitespace().collect::<Vec<_>>(),
        ["created", "creating", "creating", "running", "stopped"]
    );
}

fn list() {
    let mut engine = Engine::new("sleep 60");
    assert_eq!(engine.done(&["list", "-f", "json"]).trim(), "[]");
    engine.create("c2");
    engine.create("c1");
    engine.done(&["start", "c1"]);
    assert_eq!(engine.done(&["list", "-q"]), "c1\nc2\n");
    let table = engine.done(&["list"]);
    assert!(table.lines().nth(1).unwrap().starts_with("c1") && table.contains("running"), "{table}");
    let views: Value = serde_json::from_str(&engine.done(&["list", "-f", "json"])).unwrap();
    assert_eq!((&views[0]["status"], &views[1]["status"]), (&"running".into(), &"created".into()));
    engine.done(&["delete", "-f", "c1"]);
    engine.done(&["delete", "-f", "c2"]);
}

fn documents() {
    let engine = Engine::new("");
    let features: Value = serde_json::from_str(&engine.done(&["features"])).unwrap();
    assert_eq!(features["ociVersionMax"], "1.3.0");
    assert!(features["mountOptions"].as_array().unwrap().contains(&"rro".into()));
    assert!(engine.done(&["--version"]).contains("spec: 1.3.0"));
    let again = engine.call(&["spec", "-b", engine.bundle().to_str().unwrap()]);
    assert!(again.code == 1 && again.err.contains("file exists"), "{again:?}");
}
