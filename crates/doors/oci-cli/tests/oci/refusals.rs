//! What cannot be done is said in one line, and nothing is left.

use crate::Test;
use crate::engine::Engine;

pub(crate) const TESTS: &[Test] = &[
    ("a_failed_create_leaves_nothing", nothing_left),
    ("an_id_is_taken_once", taken),
    ("bad_bundles_are_explained", bundles),
    ("errors_go_to_the_log", log),
];

fn nothing_left() {
    let mut engine = Engine::new("true");
    let groups = || crate::engine::census().1.len();
    for (change, message) in [
        (serde_json::json!(["nothing"]), "executable file not found in $PATH"),
        (serde_json::json!(["/bin"]), "exec: \"/bin\": is a directory"),
    ] {
        engine.config["process"]["args"] = change;
        engine.save("c1");
        let said = engine.call(&["run", "-b", engine.bundle().to_str().unwrap(), "c1"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(message), "{said:?}");
        assert_eq!(engine.done(&["list", "-q"]), "");
    }
    engine.config["mounts"].as_array_mut().unwrap().push(serde_json::json!({
        "destination": "/data", "type": "bind", "source": "/nowhere", "options": ["rbind"]
    }));
    engine.save("c1");
    let said = engine.call(&["create", "-b", engine.bundle().to_str().unwrap(), "c1"]);
    assert_eq!(said.err, "sampan-runtime: mount /nowhere: no such file or directory\n");
    let group = engine.config["linux"]["cgroupsPath"].as_str().unwrap().to_owned();
    for top in std::fs::read_dir("/sys/fs/cgroup").unwrap() {
        assert!(!top.unwrap().path().join(&group[1..]).exists());
    }
    drop(engine);
    assert_eq!(groups(), 0);
}

fn taken() {
    let mut engine = Engine::new("sleep 60");
    engine.create("c1");
    let again = engine.call(&["create", "-b", engine.bundle().to_str().unwrap(), "c1"]);
    assert_eq!(
        again.err,
        "sampan-runtime: container \"c1\" exists already; delete it or choose another id\n"
    );
    assert_eq!(engine.status("c1"), "created");
    engine.done(&["delete", "-f", "c1"]);
}

fn bundles() {
    let engine = Engine::new("true");
    let bundle = engine.bundle();
    let create = || engine.call(&["create", "-b", bundle.to_str().unwrap(), "c1"]).err;
    for (document, message) in [
        ("{", "config.json: EOF while parsing"),
        ("{\"ociVersion\":\"1.0.0\"}", "config.json: root is missing"),
        ("{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"x\"}}", "ociVersion is not 1.x"),
        ("{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"rootfs\"}}", "process is missing"),
    ] {
        std::fs::write(bundle.join("config.json"), document).unwrap();
        assert!(create().contains(message), "{document}: {}", create());
    }
    std::fs::remove_file(bundle.join("config.json")).unwrap();
    assert!(create().contains("config.json: no such file or directory"));
}

fn log() {
    let engine = Engine::new("true");
    let path = engine.directory.path().join("log.json");
    engine.call(&["--log", path.to_str().unwrap(), "--log-format", "json", "state", "nobody"]);
    let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        (&line["level"], &line["msg"]),
        (&"error".into(), &"container \"nobody\" does not exist".into())
    );
}
