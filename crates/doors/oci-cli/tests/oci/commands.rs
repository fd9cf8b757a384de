//! runc's command line: every command and option that an engine uses.

use crate::Test;
use crate::engine::Engine;
use serde_json::{Value, json};
use std::process::Stdio;

pub(crate) const TESTS: &[Test] = &[
    ("events_tell_what_a_container_uses", stats),
    ("events_end_with_the_container_and_tell_of_lost_memory", out_of_memory),
    ("ps_shows_lines_of_the_host_s_ps", ps),
    ("update_takes_runc_s_options", update),
    ("list_has_runc_s_columns", list),
    ("words_that_engines_look_for", words),
    ("a_paused_container_takes_no_process_unless_told_so", paused),
    ("a_further_process_starts_in_a_group_below", group_below),
    ("checkpoints_are_refused_with_criu_s_reason", criu),
    ("the_rootless_example_names_the_caller", rootless_example),
    ("options_stand_before_and_after_the_id", around),
];

fn running(script: &str) -> Engine {
    let mut engine = Engine::new(script);
    engine.create("c1");
    engine.done(&["start", "c1"]);
    engine
}

fn stats() {
    let engine = running("while :; do :; done");
    let read = || serde_json::from_str::<Value>(&engine.done(&["events", "--stats", "c1"])).unwrap();
    engine.eventually(|_| read()["data"]["cpu"]["usage"]["total"].as_u64().unwrap() > 1_000_000);
    let event = read();
    assert_eq!((&event["type"], &event["id"]), (&json!("stats"), &json!("c1")));
    let data = &event["data"];
    assert_eq!(data["pids"]["current"], 1);
    assert!(data["memory"]["usage"]["usage"].as_u64().unwrap() > 0, "{data}");
    assert!(data["memory"]["raw"].as_object().unwrap().len() > 5, "{data}");
    for part in ["cpuset", "blkio", "hugetlb", "intel_rdt"] {
        assert!(data[part].is_object(), "{part}: {data}");
    }
    engine.done(&["delete", "-f", "c1"]);
    assert!(engine.call(&["events", "--stats", "c1"]).err.contains("does not exist"));
}

fn out_of_memory() {
    let mut engine = Engine::new("sleep 1; exec busybox dd if=/dev/zero of=/dev/null bs=200M count=1");
    engine.config["linux"]["resources"]["memory"] = json!({ "limit": 32 << 20, "swap": 32 << 20 });
    engine.create("c1");
    let mut command = engine.command(&["events", "--interval", "100ms", "c1"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    engine.done(&["start", "c1"]);
    let said = crate::engine::ended(child.wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{said:?}");
    let events: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["type"] == "stats"), "{said:?}");
    assert!(events.iter().any(|event| *event == json!({ "type": "oom", "id": "c1" })), "{said:?}");
    engine.done(&["delete", "-f", "c1"]);
}

fn ps() {
    let engine = running("sleep 61");
    let pid = engine.pid("c1");
    assert_eq!(engine.done(&["ps", "c1", "--format", "json"]), format!("[{pid}]\n"));
    let table = engine.done(&["ps", "c1"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("PID") && lines[1].contains("sleep 61"), "{table}");
    let table = engine.done(&["ps", "c1", "-o", "pid,comm"]);
    assert_eq!(table.split_whitespace().collect::<Vec<_>>(), ["PID", "COMMAND", &pid.to_string(), "sleep"]);
    let refused = engine.call(&["ps", "c1", "-o", "comm"]);
    assert!(refused.code == 1 && refused.err.contains("no column PID"), "{refused:?}");
    engine.done(&["delete", "-f", "c1"]);
}

fn update() {
    let engine = running("sleep 60");
    engine.done(&[
        "update",
        "--memory",
        "64m",
        "--memory-swap",
        "-1",
        "--pids-limit",
        "77",
        "c1",
        "--cpu-share",
        "2048",
    ]);
    let event: Value = serde_json::from_str(&engine.done(&["events", "--stats", "c1"])).unwrap();
    assert_eq!(event["data"]["memory"]["usage"]["limit"], 64 << 20);
    assert_eq!(event["data"]["pids"]["limit"], 77);
    let nothing = engine.call(&["update", "c1"]);
    assert!(nothing.code == 1 && nothing.err.contains("needs --resources FILE or a limit"), "{nothing:?}");
    let wrong = engine.call(&["update", "--memory", "much", "c1"]);
    assert!(wrong.err.contains("--memory: \"much\" is no size"), "{wrong:?}");
    engine.done(&["delete", "-f", "c1"]);
}

fn list() {
    let engine = running("sleep 60");
    let table = engine.done(&["list"]);
    let heading: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heading, ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]);
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((row[0], row[2], row[5]), ("c1", "running", "root"));
    let state: Value = serde_json::from_str(&engine.done(&["state", "c1"])).unwrap();
    assert_eq!(state["owner"], "root");
    engine.done(&["delete", "-f", "c1"]);
}

/// containerd and dockerd tell cases apart by parts of runc's messages, and by its codes.
fn words() {
    let engine = running("true");
    engine.await_status("c1", "stopped");
    let late = engine.call(&["kill", "c1", "KILL"]);
    assert!(late.code == 1 && late.err.contains("container not running"), "{late:?}");
    let missing = engine.call(&["state", "c2"]);
    assert!(missing.code == 1 && missing.err.contains("does not exist"), "{missing:?}");
    let stopped = engine.call(&["exec", "c1", "true"]);
    assert!(stopped.code == 255 && stopped.err.contains("is stopped"), "{stopped:?}");
    engine.done(&["delete", "c1"]);
}

fn paused() {
    let engine = running("sleep 60");
    engine.done(&["pause", "c1"]);
    let refused = engine.call(&["exec", "c1", "true"]);
    assert!(refused.code == 255 && refused.err.contains("is paused"), "{refused:?}");
    let mut command = engine.command(&["exec", "--ignore-paused", "c1", "echo", "later"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    engine.done(&["resume", "c1"]);
    let said = crate::engine::ended(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (0, "later\n"), "{said:?}");
    engine.done(&["delete", "-f", "c1"]);
}

fn group_below() {
    let engine = running("sleep 60");
    let refused = engine.call(&["exec", "--cgroup", "sub", "c1", "true"]);
    assert!(refused.code == 255 && refused.err.contains("no cgroup"), "{refused:?}");
    let group = engine.config["linux"]["cgroupsPath"].as_str().unwrap().to_owned();
    let tops = std::fs::read_dir("/sys/fs/cgroup").unwrap().map(|entry| entry.unwrap().path());
    let tops = tops.chain([std::path::PathBuf::from("/sys/fs/cgroup")]);
    let made: Vec<_> = tops
        .map(|top| top.join(&group[1..]))
        .filter(|path| path.is_dir())
        .map(|path| path.join("sub"))
        .filter(|path| std::fs::create_dir(path).is_ok())
        .collect();
    assert!(!made.is_empty());
    // A v1 cpuset takes no process before it has cpus.
    for path in &made {
        for file in ["cpuset.cpus", "cpuset.mems"] {
            if let Ok(value) = std::fs::read_to_string(path.parent().unwrap().join(file)) {
                let _ = std::fs::write(path.join(file), value);
            }
        }
    }
    let groups = engine.done(&["exec", "--cgroup", "sub", "c1", "cat", "/proc/self/cgroup"]);
    assert!(groups.lines().any(|line| line.ends_with("/sub")), "{groups}");
    made.iter().for_each(|path| std::fs::remove_dir(path).unwrap());
    engine.done(&["delete", "-f", "c1"]);
}

fn criu() {
    let engine = running("sleep 60");
    let refused = engine.call(&["checkpoint", "--image-path", "/nowhere", "--leave-running", "c1"]);
    assert!(
        refused.code == 1 && refused.err.contains("cannot checkpoint the container: criu"),
        "{refused:?}"
    );
    assert_eq!(engine.status("c1"), "running");
    let refused = engine.call(&["restore", "--image-path", "/nowhere", "-b", "/nowhere", "c2"]);
    assert!(refused.code == 1 && refused.err.contains("cannot restore the container: criu"), "{refused:?}");
    engine.done(&["delete", "-f", "c1"]);
}

fn rootless_example() {
    let engine = Engine::new("true");
    let directory = engine.directory.path().join("rootless");
    std::fs::create_dir(&directory).unwrap();
    engine.done(&["spec", "--rootless", "-b", directory.to_str().unwrap()]);
    let text = std::fs::read_to_string(directory.join("config.json")).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["linux"]["uidMappings"], json!([{ "containerID": 0, "hostID": 0, "size": 1 }]));
    let kinds = config["linux"]["namespaces"].as_array().unwrap();
    assert!(kinds.iter().any(|kind| kind["type"] == "user"));
    assert!(kinds.iter().all(|kind| kind["type"] != "network"));
}

fn around() {
    let mut engine = Engine::new("sleep 60");
    engine.save("c1");
    let bundle = engine.bundle();
    let mut command = engine.command(&["run", "c1", "--bundle", bundle.to_str().unwrap(), "-d"]);
    assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    engine.done(&["kill", "c1", "KILL", "--all"]);
    engine.await_status("c1", "stopped");
    engine.done(&["delete", "c1", "--force"]);
}
