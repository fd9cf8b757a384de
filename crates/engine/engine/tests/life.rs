//! Containers from birth to removal, through the real monitor on the real kernel. Needs root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod place;

use engine::model::{ContainerConfig, HealthConfig};
use engine::{
    CreateOptions, ExecConfig, ExecError, HealthStatus, ListFilter, LogQuery, LogStream, RemoveOptions,
    RestartPolicy, StartOptions, State, StopOptions, Streams, WaitCondition,
};
use place::{Place, config, pump, run};
use std::time::{Duration, Instant};

#[test]
fn run_rm_leaves_nothing() {
    let Some(place) = Place::new() else { return };
    let config = ContainerConfig { auto_remove: true, ..config(&["/bin/echo", "hello"]) };
    assert_eq!(run(&place, config), (0, "hello\n".to_owned()));
    assert_eq!(place.engine.list(ListFilter { all: true }).unwrap().len(), 0);
    place.assert_empty();
}

#[test]
fn a_whole_life() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let mut asked = config(&["/bin/sleep", "1000"]);
    asked.name = Some("sleeper".parse().unwrap());
    let created = engine.create(asked, CreateOptions::default()).unwrap();
    assert_eq!(engine.inspect("sleeper").unwrap().state, State::Created);
    engine.start(created.id.short(), StartOptions::default()).unwrap();
    let view = engine.inspect("/sleeper").unwrap();
    assert_eq!(view.state, State::Running);
    assert_eq!(engine.list(ListFilter::default()).unwrap().len(), 1);
    assert!(engine.remove("sleeper", RemoveOptions::default()).is_err());
    let options = StopOptions { signal: Some("KILL".into()), timeout_seconds: None };
    engine.stop("sleeper", &options).unwrap();
    let outcome = engine.wait("sleeper", WaitCondition::NotRunning).unwrap();
    assert_eq!(outcome.exit_code, 137);
    assert_eq!(engine.inspect("sleeper").unwrap().state, State::Exited);
    engine.start("sleeper", StartOptions::default()).unwrap();
    engine.remove("sleeper", RemoveOptions { force: true, volumes: true }).unwrap();
    place.assert_empty();
}

#[test]
fn exit_codes_of_commands_that_cannot_be_run() {
    let Some(place) = Place::new() else { return };
    for (command, code) in [("/bin/nothing", 127), ("/etc", 126)] {
        let error = place
            .engine
            .run(
                ContainerConfig { auto_remove: true, ..config(&[command]) },
                CreateOptions::default(),
                StartOptions::default(),
            )
            .unwrap_err();
        assert_eq!(error.exit_code(), code, "{error}");
    }
    place.assert_empty();
}

#[test]
fn exec_joins_the_container() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let id = place.start(config(&["/bin/sleep", "1000"]));
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    let exec = |command: &[&str], env: &[&str]| {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let config =
            ExecConfig { command: owned(command), env: owned(env), streams, ..ExecConfig::default() };
        engine.exec(id.as_str(), &config).map(|running| pump(&running.connection))
    };
    assert_eq!(exec(&["/bin/echo", "inside"], &[]).unwrap(), (0, "inside\n".to_owned()));
    assert_eq!(exec(&["/bin/exit", "7"], &[]).unwrap().0, 7);
    let (_, env) = exec(&["/bin/env"], &["A=b"]).unwrap();
    assert!(env.contains("A=b\n") && env.contains(&format!("HOSTNAME={}\n", id.short())), "{env}");
    assert_eq!(exec(&["/bin/nothing"], &[]).unwrap_err().exit_code(), 127);
    let long = "x".repeat(100_000);
    assert!(matches!(exec(&["/bin/echo", &long], &[]), Err(ExecError::TooLong { .. })));
    let as_nobody = ExecConfig {
        command: vec!["/bin/true".into()],
        user: Some("no-such-user".into()),
        ..ExecConfig::default()
    };
    let error = engine.exec(id.as_str(), &as_nobody).unwrap_err();
    assert_eq!(error.to_string(), "unable to find user no-such-user: no matching entries in passwd file");
    assert_eq!(engine.processes(id.as_str()).unwrap().len(), 1);
    engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).unwrap();
    let error = engine.exec(id.as_str(), &as_nobody).unwrap_err();
    assert!(error.to_string().starts_with("No such container"), "{error}");
    place.assert_empty();
}

#[test]
fn logs_are_kept_and_followed() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let id = place.start(config(&["/bin/echo", "line"]));
    let query = LogQuery { follow: true, ..LogQuery::default() };
    let entries: Vec<_> = engine.logs(id.as_str(), &query).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].stream, entries[0].bytes.as_slice()), (LogStream::Stdout, &b"line\n"[..]));
    let none = LogQuery { tail: Some(0), ..LogQuery::default() };
    assert_eq!(engine.logs(id.as_str(), &none).unwrap().count(), 0);
    let errors = LogQuery { stdout: false, ..LogQuery::default() };
    assert_eq!(engine.logs(id.as_str(), &errors).unwrap().count(), 0);
    engine.remove(id.as_str(), RemoveOptions::default()).unwrap();
    place.assert_empty();
}

#[test]
fn policy_restarts_until_the_count_is_reached() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let restart = RestartPolicy::OnFailure { maximum_retry_count: 2 };
    let id = place.start(engine::model::ContainerConfig { restart, ..config(&["/bin/false"]) });
    let outcome = engine.wait(id.as_str(), WaitCondition::NotRunning).unwrap();
    assert_eq!(outcome.exit_code, 1);
    let view = engine.inspect(id.as_str()).unwrap();
    assert_eq!((view.state, view.exited.unwrap().restart_count), (State::Exited, 2));
    engine.remove(id.as_str(), RemoveOptions::default()).unwrap();
    place.assert_empty();
}

#[test]
fn an_always_container_that_was_stopped_stays_stopped_until_boot() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let always = ContainerConfig { restart: RestartPolicy::Always, ..config(&["/bin/sleep", "1000"]) };
    let unless = ContainerConfig { restart: RestartPolicy::UnlessStopped, ..config(&["/bin/sleep", "1000"]) };
    let (always, unless) = (place.start(always), place.start(unless));
    for id in [&always, &unless] {
        let kill = StopOptions { signal: Some("9".into()), timeout_seconds: Some(5) };
        engine.stop(id.as_str(), &kill).unwrap();
        assert_eq!(engine.inspect(id.as_str()).unwrap().state, State::Exited);
    }
    let report = engine.boot().unwrap();
    assert_eq!((report.started.len(), report.failed.len()), (1, 0), "{report:?}");
    assert_eq!(engine.inspect(always.as_str()).unwrap().state, State::Running);
    assert_eq!(engine.inspect(unless.as_str()).unwrap().state, State::Exited);
    for id in [&always, &unless] {
        engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).unwrap();
    }
    place.assert_empty();
}

#[test]
fn pause_and_names() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let id = place.start(config(&["/bin/sleep", "1000"]));
    engine.pause(id.short()).unwrap();
    assert_eq!(engine.inspect(id.as_str()).unwrap().state, State::Paused);
    assert!(engine.pause(id.short()).is_err());
    engine.unpause(id.short()).unwrap();
    engine.rename(id.short(), &"renamed".parse().unwrap()).unwrap();
    assert_eq!(engine.inspect("renamed").unwrap().id, id);
    let taken = ContainerConfig { name: Some("renamed".parse().unwrap()), ..config(&["/bin/true"]) };
    let error = engine.create(taken, CreateOptions::default()).unwrap_err();
    assert!(
        error.to_string().starts_with("Conflict. The container name \"/renamed\" is already in use"),
        "{error}"
    );
    engine.kill("renamed", "SIGKILL").unwrap();
    engine.wait("renamed", WaitCondition::NotRunning).unwrap();
    engine.remove("renamed", RemoveOptions::default()).unwrap();
    place.assert_empty();
}

#[test]
fn health_is_probed() {
    let Some(place) = Place::new() else { return };
    let check = engine::spec::image::Healthcheck {
        test: vec!["CMD".into(), "/bin/true".into()],
        interval: 50_000_000,
        ..Default::default()
    };
    let asked = ContainerConfig { health: HealthConfig::Custom(check), ..config(&["/bin/sleep", "1000"]) };
    let id = place.start(asked);
    let began = Instant::now();
    loop {
        let health = place.engine.inspect(id.as_str()).unwrap().health;
        if health.is_some_and(|health| health.status == HealthStatus::Healthy) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
    place.engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).unwrap();
    place.assert_empty();
}

#[test]
fn a_detached_container_is_removed_by_a_reaper() {
    let Some(place) = Place::new() else { return };
    let id = place.start(ContainerConfig { auto_remove: true, ..config(&["/bin/true"]) });
    // The program that the monitor executes is not part of this test: what it calls is.
    place.engine.wait(id.as_str(), WaitCondition::NotRunning).ok();
    place.engine.reap(&id).unwrap();
    place.engine.reap(&id).unwrap();
    place.assert_empty();
}

#[test]
fn volumes_are_filled_and_survive() {
    let Some(place) = Place::new() else { return };
    let mount = |read_only| engine::model::MountConfig {
        target: "/bin".into(),
        source: engine::model::MountSource::Volume {
            name: Some("programs".parse().unwrap()),
            no_copy: false,
            options: Default::default(),
            labels: Default::default(),
        },
        read_only,
    };
    for read_only in [false, true] {
        let asked = ContainerConfig {
            auto_remove: true,
            mounts: vec![mount(read_only)],
            ..config(&["/bin/echo", "from the volume"])
        };
        assert_eq!(run(&place, asked), (0, "from the volume\n".to_owned()));
    }
    let volumes = place.engine.list_volumes().unwrap();
    assert_eq!((volumes.len(), volumes[0].users, volumes[0].anonymous), (1, 0, false));
    place.engine.remove_volume(&volumes[0].name).unwrap();
    place.assert_empty();
}

#[test]
#[ignore = "a measurement: run it alone, optimised"]
fn what_a_warm_run_costs() {
    use rustix::time::{ClockId, clock_gettime};
    let Some(place) = Place::new() else { return };
    let asked = || ContainerConfig { auto_remove: true, ..config(&["/bin/true"]) };
    run(&place, asked());
    let cpu = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
    };
    let mut walls = Vec::new();
    let mut costs = Vec::new();
    for _ in 0..100 {
        let (began, spent) = (Instant::now(), cpu());
        // A new engine each time: each command opens the index anew.
        place::run_in(&place.another(), asked());
        walls.push(began.elapsed());
        costs.push(cpu() - spent);
    }
    walls.sort();
    costs.sort();
    println!("median of 100: {:?} until removed, {:?} of it this process' cpu", walls[50], costs[50]);
}
