//! Further processes.

use crate::Test;
use crate::engine::Engine;

pub(crate) const TESTS: &[Test] =
    &[("exec_runs_inside", inside), ("exec_takes_a_whole_document", document), ("exec_refusals", refusals)];

fn running(script: &str) -> Engine {
    let mut engine = Engine::new(script);
    engine.create("c1");
    engine.done(&["start", "c1"]);
    engine
}

fn inside() {
    let engine = running("sleep 60");
    let said = engine.call(&[
        "exec",
        "-e",
        "A=b",
        "--user",
        "33:34",
        "c1",
        "sh",
        "-c",
        "id -u; id -g; echo $A; exit 9",
    ]);
    assert_eq!((said.code, said.out.as_str()), (9, "33\n34\nb\n"), "{said:?}");
    let groups = engine.call(&["exec", "c1", "cat", "/proc/1/cgroup", "/proc/self/cgroup"]);
    let lines: Vec<&str> = groups.out.lines().collect();
    let (first, further) = lines.split_at(lines.len() / 2);
    assert_eq!(first, further);
    engine.done(&["delete", "-f", "c1"]);
}

fn document() {
    let engine = running("sleep 60");
    let path = engine.directory.path().join("process.json");
    let document = r#"{"terminal":false,"cwd":"/bin","args":["sh","-c","pwd; echo $B"],"env":["PATH=/bin","B=c"],"user":{"uid":0,"gid":0}}"#;
    std::fs::write(&path, document).unwrap();
    assert_eq!(engine.done(&["exec", "--process", path.to_str().unwrap(), "c1"]), "/bin\nc\n");
    engine.done(&["delete", "-f", "c1"]);
}

fn refusals() {
    let engine = running("sleep 60");
    let missing = engine.call(&["exec", "c1", "nothing"]);
    assert_eq!(missing.code, 255);
    assert!(missing.err.contains("exec: \"nothing\": executable file not found in $PATH"), "{missing:?}");
    assert_eq!(engine.call(&["exec", "c1", "/bin"]).code, 255);
    assert_eq!(engine.call(&["exec", "c2", "true"]).code, 255);
    engine.done(&["delete", "-f", "c1"]);
}
