//! Network devices that move into a container (config-linux.md, "Network Devices").

use crate::Test;
use crate::engine::{Ended, Engine, ended};
use serde_json::json;
use std::process::Command;

pub(crate) const TESTS: &[Test] = &[
    ("a_device_moves_in_with_its_addresses", moves),
    ("a_device_that_cannot_move_changes_nothing", refused),
];

/// Runs a script whose arguments are a call of the runtime, in a network of its own.
fn in_own_network(script: &str, engine: &mut Engine) -> Ended {
    engine.save("c1");
    let runtime = engine.command(&["run", "-b", engine.bundle().to_str().unwrap(), "c1"]);
    let mut command = Command::new("unshare");
    command
        .args(["--net", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(runtime.get_args());
    ended(command.output().unwrap())
}

const DEVICES: &str = "ip link add d0 type veth peer name d1; ip addr add 10.9.8.7/24 dev d0; ip addr add fd00::9/64 dev d0 nodad; ip link set d0 up; ip link add d2 type veth peer name d3; ";

fn moves() {
    let mut engine = Engine::new("busybox ip addr show");
    engine.config["linux"]["netDevices"] = json!({ "d0": { "name": "in%d" }, "d2": {} });
    let said = in_own_network(&format!("{DEVICES} \"$@\"; ip -o link show"), &mut engine);
    assert!(said.err.is_empty(), "{said:?}");
    // Inside: renamed by the template, up, with both addresses; the other under its own name.
    for part in ["in0@", "10.9.8.7/24", "fd00::9/64", "d2@"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let up = said.out.lines().filter(|line| line.contains("in0@") || line.contains("d2@"));
    assert!(up.clone().count() == 2 && up.clone().all(|line| line.contains("UP")), "{}", said.out);
    // Outside none of the two is left: they went with the container's network.
    assert!(
        !said.out.lines().any(|line| line.contains(": d0@") && line.contains("link/ether")),
        "{}",
        said.out
    );
}

fn refused() {
    let mut engine = Engine::new("true");
    let after = "ip -o -4 addr show dev d0; ip -o link show dev d0";
    for (devices, message) in [
        (json!({ "d0": {}, "nobody": {} }), "move network device nobody: no such device"),
        (json!({ "d0": { "name": "lo" } }), "move network device d0 as lo: file exists"),
        (
            json!({ "d0": { "name": "same" }, "d2": { "name": "same" } }),
            "move network device d2: file exists",
        ),
        (json!({ "d0": { "name": "a/b" } }), "linux.netDevices: \"a/b\" is no name of a network device"),
    ] {
        engine.config["linux"]["netDevices"] = devices;
        let said = in_own_network(&format!("{DEVICES} \"$@\"; {after}"), &mut engine);
        assert!(said.err.contains(message), "{said:?}");
        assert!(said.out.contains("10.9.8.7/24") && said.out.contains("UP"), "{said:?}");
    }
    assert_eq!(engine.done(&["list", "-q"]), "");
    engine.config["linux"]["netDevices"] = json!({ "d0": {} });
    let namespaces = engine.config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "network");
    engine.config["mounts"].as_array_mut().unwrap().retain(|mount| mount["type"] != "sysfs");
    let said = in_own_network("\"$@\"", &mut engine);
    assert!(said.err.contains("linux.netDevices needs a network namespace"), "{said:?}");
}
