//! Mounts and mount namespaces, looked at from inside and from outside.

use crate::Test;
use crate::engine::{Engine, ended};
use serde_json::json;
use std::process::Command;

pub(crate) const TESTS: &[Test] = &[
    ("the_list_of_mounts_has_the_order_of_the_specification", order),
    ("attributes_reach_the_mounts_below", recursive),
    ("a_new_tmpfs_can_begin_with_what_it_covers", copy_up),
    ("the_root_s_propagation_is_what_was_asked_for", propagation),
    ("without_a_mount_namespace_the_mounts_go_with_the_container", inherited),
    ("a_mount_namespace_is_joined_by_path", by_path),
    ("a_root_can_be_changed_without_pivot_root", no_pivot),
    ("names_and_parameters_of_the_host_are_refused", host_wide),
];

fn run(engine: &mut Engine) -> crate::engine::Ended {
    engine.save("c1");
    engine.call(&["run", "-b", engine.bundle().to_str().unwrap(), "c1"])
}

fn mounts(engine: &mut Engine) -> &mut Vec<serde_json::Value> {
    engine.config["mounts"].as_array_mut().unwrap()
}

fn order() {
    let mut engine = Engine::new("cat /proc/self/mountinfo");
    let directory = engine.directory.path().join("volume");
    std::fs::create_dir(&directory).unwrap();
    for destination in ["/dev/shm", "/a", "/b"] {
        mounts(&mut engine).push(json!({
            "destination": destination, "type": "bind", "source": directory, "options": ["bind"]
        }));
    }
    let said = run(&mut engine);
    let places: Vec<&str> = said.out.lines().filter_map(|line| line.split(' ').nth(4)).collect();
    let listed: Vec<&str> = engine.config["mounts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|mount| mount["destination"].as_str())
        .collect();
    let ours: Vec<&str> = places.iter().copied().filter(|place| listed.contains(place)).collect();
    // Masked and read-only paths come after them.
    assert_eq!(ours[..listed.len()], listed, "{}", said.out);
}

fn recursive() {
    let mut engine = Engine::new("echo x > /data/below/file; grep /data /proc/self/mountinfo");
    let directory = engine.directory.path().join("volume");
    std::fs::create_dir_all(directory.join("below")).unwrap();
    mounts(&mut engine).push(json!({
        "destination": "/data", "type": "bind", "source": directory, "options": ["rbind", "rro", "rnosuid"]
    }));
    engine.save("c1");
    // A mount below the source, in a mount namespace of the test's own.
    let below = directory.join("below");
    let bundle = engine.bundle();
    let runtime = engine.command(&["run", "-b", bundle.to_str().unwrap(), "c1"]);
    let said = in_own_mounts(&format!("mount -t tmpfs t {}; \"$@\"", below.display()), &runtime);
    assert!(said.err.contains("Read-only file system"), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 2, "{said:?}");
    assert!(lines.iter().all(|line| line.split(' ').nth(5).unwrap().starts_with("ro,nosuid")), "{said:?}");
}

fn copy_up() {
    let mut engine = Engine::new("cat /bin/hello; echo changed > /bin/hello; cat /bin/hello");
    let hello = engine.bundle().join("rootfs/bin/hello");
    std::fs::write(&hello, "before\n").unwrap();
    mounts(&mut engine).push(json!({
        "destination": "/bin", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "mode=755"]
    }));
    let said = run(&mut engine);
    assert_eq!((said.code, said.out.as_str()), (0, "before\nchanged\n"), "{said:?}");
    assert_eq!(std::fs::read_to_string(hello).unwrap(), "before\n");
}

fn propagation() {
    for (word, mark) in [("shared", "shared:"), ("private", ""), ("unbindable", "unbindable")] {
        let mut engine = Engine::new("grep ' / / \\| / ' /proc/self/mountinfo");
        engine.config["linux"]["rootfsPropagation"] = word.into();
        let said = run(&mut engine);
        let root = said.out.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap();
        let tags: Vec<&str> = root.split(' ').skip(6).take_while(|tag| *tag != "-").collect();
        match mark {
            "" => assert!(tags.is_empty(), "{root}"),
            mark => assert!(tags.iter().any(|tag| tag.starts_with(mark)), "{root}"),
        }
    }
}

/// Runs a script whose arguments are a call of the runtime, in mounts of its own.
fn in_own_mounts(script: &str, runtime: &Command) -> crate::engine::Ended {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    // Elsewhere `/proc/self/exe` would be the shell.
    command.arg(std::env::current_exe().unwrap()).args(runtime.get_args());
    ended(command.output().unwrap())
}

fn inherited() {
    let mut engine = Engine::new("readlink /proc/self/ns/mnt; echo x > /tmp/x; cat /tmp/x");
    std::os::unix::fs::symlink("busybox", engine.bundle().join("rootfs/bin/readlink")).unwrap();
    engine.config["linux"]["namespaces"]
        .as_array_mut()
        .unwrap()
        .retain(|namespace| namespace["type"] != "mount");
    mounts(&mut engine).push(json!({ "destination": "/tmp", "type": "tmpfs", "source": "tmpfs" }));
    engine.save("c1");
    let runtime = engine.command(&["run", "-b", engine.bundle().to_str().unwrap(), "c1"]);
    let count = "grep -c . /proc/self/mountinfo";
    let script = format!("readlink /proc/self/ns/mnt; {count}; \"$@\"; {count}");
    let said = in_own_mounts(&script, &runtime);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 5, "{said:?}");
    assert_eq!((lines[0], lines[1]), (lines[2], lines[4]), "{said:?}");
    assert_eq!(lines[3], "x");
    assert!(!engine.bundle().join("rootfs/tmp/x").exists());
}

fn by_path() {
    let mut engine = Engine::new("readlink /proc/self/ns/mnt; ls /");
    std::os::unix::fs::symlink("busybox", engine.bundle().join("rootfs/bin/readlink")).unwrap();
    let mut holder =
        Command::new("unshare").args(["--mount", "--propagation", "private", "sleep", "60"]).spawn().unwrap();
    let link = format!("/proc/{}/ns/mnt", holder.id());
    let own = std::fs::read_link("/proc/self/ns/mnt").unwrap();
    engine.eventually(|_| std::fs::read_link(&link).unwrap() != own);
    for namespace in engine.config["linux"]["namespaces"].as_array_mut().unwrap() {
        if namespace["type"] == "mount" {
            namespace["path"] = link.clone().into();
        }
    }
    let said = run(&mut engine);
    let expected = std::fs::read_link(&link).unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.out.lines().next(), expected.to_str(), "{said:?}");
    assert!(said.out.contains("bin\n") && !said.out.contains("home\n"), "{said:?}");
}

fn no_pivot() {
    let mut engine = Engine::new("ls /; sleep 60");
    let output = engine.create_with("c1", &["--no-pivot"]);
    engine.done(&["start", "c1"]);
    engine.eventually(|_| std::fs::read_to_string(&output).unwrap().contains("sys\n"));
    assert_eq!(engine.done(&["exec", "c1", "ls", "/"]), std::fs::read_to_string(&output).unwrap());
    engine.done(&["delete", "-f", "c1"]);
}

fn host_wide() {
    let before = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let mut engine = Engine::new("true");
    engine.config["hostname"] = "never".into();
    let namespaces = engine.config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "uts");
    let said = run(&mut engine);
    assert!(said.err.contains("hostname: \"never\" needs a uts namespace"), "{said:?}");
    assert_eq!(std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap(), before);

    let mut engine = Engine::new("true");
    for (name, problem) in [
        ("vm.swappiness", "is a parameter of the whole machine"),
        ("kernel.shmmax", "needs an ipc namespace"),
    ] {
        let namespaces = engine.config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "ipc");
        mounts(&mut engine).retain(|mount| mount["type"] != "mqueue");
        engine.config["linux"]["sysctl"] = json!({ name: "1" });
        let said = run(&mut engine);
        assert!(said.err.contains(problem), "{said:?}");
    }
}
