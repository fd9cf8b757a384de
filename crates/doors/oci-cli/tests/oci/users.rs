//! User namespaces and idmapped mounts, looked at from inside and from outside.

use crate::Test;
use crate::engine::Engine;
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, chown};

pub(crate) const TESTS: &[Test] = &[
    ("a_user_namespace_makes_its_root_nobody_outside", mapped),
    ("a_further_process_has_the_same_users", exec),
    ("a_user_namespace_is_joined_by_path", joined),
    ("a_user_namespace_meets_a_network_namespace_of_the_host", meets),
    ("wrong_mappings_change_nothing", wrong),
    ("an_idmapped_mount_shows_other_owners", idmapped),
    ("an_idmapped_mount_follows_the_container", container_mapped),
    ("settings_that_are_the_host_s_right_reach_the_process", granted),
];

const FIRST: u32 = 100_000;

/// An engine whose container has users of its own; the root file system is theirs.
fn engine(script: &str) -> Engine {
    let mut engine = Engine::new(script);
    let root = engine.bundle().join("rootfs");
    for path in [root.clone(), root.join("bin")] {
        chown(path, Some(FIRST), Some(FIRST)).unwrap();
    }
    let map = json!([{ "containerID": 0, "hostID": FIRST, "size": 65_536 }]);
    engine.config["linux"]["uidMappings"] = map.clone();
    engine.config["linux"]["gidMappings"] = map;
    namespaces(&mut engine).push(json!({ "type": "user" }));
    engine
}

fn namespaces(engine: &mut Engine) -> &mut Vec<Value> {
    engine.config["linux"]["namespaces"].as_array_mut().unwrap()
}

/// The namespace of a process, as the kernel names it.
fn namespace(pid: i64, kind: &str) -> String {
    std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap().to_str().unwrap().to_owned()
}

fn status_line(pid: i64, key: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn mapped() {
    let mut engine = engine("cat /proc/self/uid_map; id -u; echo x > /made; sleep 60");
    let output = engine.create("c1");
    engine.done(&["start", "c1"]);
    engine.await_output(&output, "0\n");
    let text = std::fs::read_to_string(output).unwrap();
    let words: Vec<_> = text.split_whitespace().collect();
    assert_eq!(words, ["0", "100000", "65536", "0"]);
    let pid = engine.pid("c1");
    assert_eq!(status_line(pid, "Uid:"), "100000 100000 100000 100000");
    assert_eq!(status_line(pid, "Gid:"), "100000 100000 100000 100000");
    assert_ne!(namespace(pid, "user"), namespace(i64::from(std::process::id()), "user"));
    engine.eventually(|engine| engine.bundle().join("rootfs/made").exists());
    assert_eq!(engine.bundle().join("rootfs/made").metadata().unwrap().uid(), FIRST);
    engine.done(&["delete", "-f", "c1"]);
}

fn exec() {
    let mut engine = engine("sleep 60");
    engine.create("c1");
    engine.done(&["start", "c1"]);
    assert_eq!(engine.done(&["exec", "c1", "sh", "-c", "id -u; id -g"]), "0\n0\n");
    assert_eq!(engine.done(&["exec", "-u", "33:34", "c1", "sh", "-c", "id -u; id -g"]), "33\n34\n");
    let map = engine.done(&["exec", "c1", "cat", "/proc/self/uid_map"]);
    assert_eq!(map.split_whitespace().collect::<Vec<_>>(), ["0", "100000", "65536"]);
    engine.done(&["delete", "-f", "c1"]);
}

fn joined() {
    let mut first = engine("sleep 60");
    first.create("c1");
    first.done(&["start", "c1"]);
    let pid = first.pid("c1");
    let mut second = engine("sleep 60");
    let listed = namespaces(&mut second);
    for namespace in listed.iter_mut() {
        let kind = namespace["type"].as_str().unwrap().to_owned();
        let name = if kind == "network" { "net" } else { kind.as_str() };
        if matches!(kind.as_str(), "user" | "network" | "ipc") {
            namespace["path"] = format!("/proc/{pid}/ns/{name}").into();
        }
    }
    second.create("c2");
    second.done(&["start", "c2"]);
    let other = second.pid("c2");
    for kind in ["user", "net", "ipc"] {
        assert_eq!(namespace(pid, kind), namespace(other, kind), "{kind}");
    }
    for kind in ["pid", "mnt", "uts"] {
        assert_ne!(namespace(pid, kind), namespace(other, kind), "{kind}");
    }
    assert_eq!(status_line(other, "Uid:"), "100000 100000 100000 100000");
    assert_eq!(status_line(other, "NSpid:").split(' ').next_back().unwrap(), "1");
    second.done(&["delete", "-f", "c2"]);
    first.done(&["delete", "-f", "c1"]);
}

/// The network was made before and belongs to the host's root, as engines do it.
fn meets() {
    let mut engine = engine("sleep 60");
    let mut holder = std::process::Command::new("unshare").args(["--net", "sleep", "60"]).spawn().unwrap();
    let holder_pid = i64::from(holder.id());
    let own = namespace(i64::from(std::process::id()), "net");
    engine.eventually(|_| namespace(holder_pid, "net") != own);
    for namespace in namespaces(&mut engine).iter_mut() {
        if namespace["type"] == "network" {
            namespace["path"] = format!("/proc/{holder_pid}/ns/net").into();
        }
    }
    // sysfs shows a network, and can only be mounted by its owner.
    engine.config["mounts"].as_array_mut().unwrap().retain(|mount| mount["type"] != "sysfs");
    engine.create("c1");
    engine.done(&["start", "c1"]);
    let pid = engine.pid("c1");
    assert_eq!(namespace(pid, "net"), namespace(holder_pid, "net"));
    assert_eq!(status_line(pid, "Uid:"), "100000 100000 100000 100000");
    engine.done(&["delete", "-f", "c1"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
}

fn wrong() {
    let mut engine = engine("true");
    for (maps, message) in [
        (json!([]), "linux.uidMappings is missing for a new user namespace"),
        (json!([{ "containerID": 0, "hostID": 5, "size": 0 }]), "is an empty range"),
        (
            json!([{ "containerID": 0, "hostID": 5, "size": 9 }, { "containerID": 3, "hostID": 90, "size": 9 }]),
            "enter namespaces (uid_map): invalid argument",
        ),
    ] {
        engine.config["linux"]["uidMappings"] = maps;
        engine.save("c1");
        let said = engine.call(&["create", "-b", engine.bundle().to_str().unwrap(), "c1"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(message), "{said:?}");
        assert!(!engine.group_exists("c1"));
    }
    assert_eq!(engine.done(&["list", "-q"]), "");
}

/// A directory with a file of user 1000.
fn volume(engine: &Engine) -> std::path::PathBuf {
    let directory = engine.directory.path().join("volume");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("file"), "x").unwrap();
    for path in [directory.clone(), directory.join("file")] {
        chown(path, Some(1000), Some(1000)).unwrap();
    }
    directory
}

fn idmapped() {
    let mut engine = Engine::new("busybox stat -c %u:%g /data/file; echo y > /data/new");
    let volume = volume(&engine);
    // 1000 on disk is 0 for whoever looks through the mount.
    let map = json!([{ "containerID": 1000, "hostID": 0, "size": 10 }]);
    engine.config["mounts"].as_array_mut().unwrap().push(json!({
        "destination": "/data", "type": "bind", "source": volume, "options": ["bind", "idmap"],
        "uidMappings": map, "gidMappings": map
    }));
    engine.save("c1");
    let ended = engine.call(&["run", "-b", engine.bundle().to_str().unwrap(), "c1"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "0:0\n"), "{ended:?}");
    assert_eq!(volume.join("new").metadata().unwrap().uid(), 1000);
    assert_eq!(volume.join("file").metadata().unwrap().uid(), 1000);
}

fn container_mapped() {
    let mut engine = engine("busybox stat -c %u:%g /data/file");
    let volume = volume(&engine);
    engine.config["mounts"].as_array_mut().unwrap().push(json!({
        "destination": "/data", "type": "bind", "source": volume, "options": ["rbind", "ridmap"]
    }));
    engine.save("c1");
    let ended = engine.call(&["run", "-b", engine.bundle().to_str().unwrap(), "c1"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "1000:1000\n"), "{ended:?}");
}

fn granted() {
    let mut engine = engine("sleep 60");
    engine.config["process"]["oomScoreAdj"] = 321.into();
    engine.config["process"]["rlimits"] = json!([{ "type": "RLIMIT_NOFILE", "hard": 900, "soft": 800 }]);
    engine.create("c1");
    engine.done(&["start", "c1"]);
    let pid = engine.pid("c1");
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
    assert_eq!(read("oom_score_adj"), "321\n");
    let limits = read("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
    assert_eq!(line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["800", "900"]);
    engine.done(&["delete", "-f", "c1"]);
}
