//! Kills the engine at each of its mutating system calls, and looks whether the next command and `check` put
//! everything right. Needs root and strace(1); a sample of the points unless `SAMPAN_FULL` is set.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod place;

use engine::model::ContainerConfig;
use engine::{
    CreateOptions, Engine, HostContext, ListFilter, RemoveOptions, Roots, StartOptions, StopOptions, Streams,
};
use place::{Place, config, run, run_in};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const ROOT: &str = "SAMPAN_TEST_SWEEP_ROOT";
const ACTION: &str = "SAMPAN_TEST_SWEEP_ACTION";
const FULL: &str = "SAMPAN_FULL";

/// System calls that change something.
const MUTATING: &str = "mkdir,mkdirat,openat,open,rename,renameat,renameat2,unlink,unlinkat,rmdir,write,pwrite64,\
    ftruncate,link,linkat,fsync,fdatasync,flock,fcntl,clone3,vfork,clone,sendmsg,recvmsg,chmod,fchmod,setxattr";

/// What is killed, from the least to the most.
const ACTIONS: [&str; 4] = ["create", "run", "stop", "remove"];

fn main() -> ExitCode {
    match (std::env::var_os(ROOT), std::env::var(ACTION)) {
        (Some(root), Ok(action)) => act(root.as_ref(), &action),
        _ => sweep(),
    }
    ExitCode::SUCCESS
}

/// One command, on the main thread of a process of its own.
fn act(root: &Path, action: &str) {
    let roots = Roots { data: root.join("data"), exec: root.join("exec") };
    let context = HostContext::open(roots, place::programs().unwrap(), None).unwrap();
    let engine = Engine::open(context);
    let named =
        |command: &[&str]| ContainerConfig { name: Some("swept".parse().unwrap()), ..config(command) };
    match action {
        "create" => drop(engine.create(named(&["/bin/true"]), CreateOptions::default()).unwrap()),
        "run" => drop(run_in(&engine, ContainerConfig { auto_remove: true, ..named(&["/bin/echo", "x"]) })),
        "stop" => {
            let options = StopOptions { signal: Some("KILL".into()), timeout_seconds: Some(5) };
            engine.stop("swept", &options).unwrap();
        }
        "remove" => engine.remove("swept", RemoveOptions { force: true, volumes: true }).unwrap(),
        other => panic!("no action {other}"),
    }
}

fn sweep() {
    let Some(place) = Place::new() else { return };
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: needs strace");
        return;
    }
    // What is made once per instance is not what is swept.
    run(&place, ContainerConfig { auto_remove: true, ..config(&["/bin/true"]) });
    let step = if std::env::var_os(FULL).is_some() { 1 } else { 9 };
    let (mut tried, mut failed) = (0, 0);
    for action in ACTIONS {
        let points = record(&place, action);
        for (call, number) in points.into_iter().step_by(step) {
            tried += 1;
            if let Err(problem) = attempt(&place, action, &call, number) {
                failed += 1;
                println!("{action} killed at {call} {number}: {problem}");
            }
        }
    }
    println!("kill sweep: {tried} points tried, {failed} failed");
    assert_eq!(failed, 0);
    place.assert_empty();
}

/// Brings about what the action needs.
fn prepare(place: &Place, action: &str) {
    if matches!(action, "stop" | "remove") {
        let asked =
            ContainerConfig { name: Some("swept".parse().unwrap()), ..config(&["/bin/sleep", "1000"]) };
        place
            .engine
            .run(
                asked,
                CreateOptions::default(),
                StartOptions { streams: Streams::default(), ..StartOptions::default() },
            )
            .unwrap();
    }
}

fn strace(place: &Place, action: &str, arguments: &[&str]) {
    let mut command = Command::new("strace");
    command.args(arguments).arg(std::env::current_exe().unwrap());
    command.env(ROOT, place.path("")).env(ACTION, action).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap();
}

/// The points: each mutating call with its number.
fn record(place: &Place, action: &str) -> Vec<(String, usize)> {
    prepare(place, action);
    let path = place.path("trace");
    strace(place, action, &["-o", path.to_str().unwrap(), "-e", &format!("trace={MUTATING}")]);
    let trace = std::fs::read_to_string(path).unwrap();
    clean(place).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut points = Vec::new();
    for line in trace.lines() {
        let Some((call, _)) = line.split_once('(') else { continue };
        let count = counts.entry(call.to_owned()).or_default();
        *count += 1;
        points.push((call.to_owned(), *count));
    }
    assert!(points.len() > 20, "{action}: {trace}");
    points
}

fn attempt(place: &Place, action: &str, call: &str, number: usize) -> Result<(), String> {
    prepare(place, action);
    let inject = format!("inject={call}:signal=KILL:when={number}");
    strace(place, action, &["-o", "/dev/null", "-e", &inject]);
    // The next command works, whatever happened.
    let (code, output) = run(place, ContainerConfig { auto_remove: true, ..config(&["/bin/echo", "next"]) });
    if (code, output.as_str()) != (0, "next\n") {
        return Err(format!("the next command gave {code} and {output:?}"));
    }
    if action == "create" || action == "stop" {
        // A container that was acknowledged is not lost: the name is either free or means a whole container.
        if let Ok(view) = place.engine.inspect("swept") {
            let known = matches!(view.state.as_str(), "created" | "running" | "exited" | "dead");
            if !known {
                return Err(format!("the container is {}", view.state.as_str()));
            }
        } else if action == "stop" {
            return Err("the container is lost".into());
        }
    }
    clean(place)
}

/// Repairs, removes what is left of the swept container, and looks that nothing is wrong then.
fn clean(place: &Place) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let report = place.engine.check(true, false).map_err(|error| error.to_string())?;
        if let Some(hopeless) = report.problems.iter().find(|problem| !matches!(problem.repair, Some(Ok(()))))
        {
            return Err(format!("cannot repair {hopeless:?}"));
        }
        // A container that is still ending by itself is no finding yet.
        let views = place.engine.list(ListFilter { all: true }).map_err(|error| error.to_string())?;
        let ending = views.iter().any(|view| view.config.auto_remove);
        if report.problems.is_empty() && !ending {
            break;
        }
        if began.elapsed() > Duration::from_secs(10) {
            return Err(format!("still wrong after repairs: {report:?}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if place.engine.find("swept").is_ok() {
        let options = RemoveOptions { force: true, volumes: true };
        place.engine.remove("swept", options).map_err(|error| format!("cannot remove it: {error}"))?;
    }
    let left = place.leftovers();
    if left.is_empty() { Ok(()) } else { Err(format!("left: {left:?}")) }
}
