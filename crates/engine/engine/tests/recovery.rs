//! What killed processes leave, and how it is put right. Needs root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod place;

use engine::model::ContainerConfig;
use engine::system::ProblemKind;
use engine::{
    ContainerId, CreateOptions, ExecConfig, ListFilter, RemoveOptions, StartOptions, State, StopOptions,
    Streams, WaitCondition,
};
use place::{Place, config, pump, run};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::time::{Duration, Instant};

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Kills the container's monitor, and the container's first process too if wanted.
fn lose_monitor(place: &Place, id: &ContainerId, with_container: bool) {
    let started = place.engine.inspect(id.as_str()).unwrap().started.unwrap();
    kill(started.monitor_pid);
    if with_container {
        kill(started.pid);
    }
    // A dying process lets go of its locks and its root before it is a zombie.
    let began = Instant::now();
    let exists = |pid: i32| fs::exists(format!("/proc/{pid}/exe")).unwrap();
    while exists(started.monitor_pid) || (with_container && started.is_alive()) {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kinds(place: &Place, repair: bool) -> Vec<ProblemKind> {
    let report = place.engine.check(repair, false).unwrap();
    assert!(!repair || report.is_clean(), "{report:?}");
    report.problems.into_iter().map(|problem| problem.kind).collect()
}

fn force() -> RemoveOptions {
    RemoveOptions { force: true, volumes: true }
}

#[test]
fn a_lost_monitor_is_replaced() {
    let Some(place) = Place::new() else { return };
    let id = place.start(config(&["/bin/sleep", "1000"]));
    lose_monitor(&place, &id, false);
    assert_eq!(place.engine.inspect(id.as_str()).unwrap().state, State::Running);
    assert_eq!(kinds(&place, false), [ProblemKind::LostMonitor]);
    let exec = ExecConfig {
        command: vec!["/bin/echo".into(), "still here".into()],
        streams: Streams { stdin: false, stdout: true, stderr: true },
        ..ExecConfig::default()
    };
    let running = place.engine.exec(id.as_str(), &exec).unwrap();
    assert_eq!(pump(&running.connection), (0, "still here\n".to_owned()));
    assert_eq!(kinds(&place, false), []);
    let options = StopOptions { signal: Some("KILL".into()), timeout_seconds: Some(5) };
    place.engine.stop(id.as_str(), &options).unwrap();
    assert_eq!(place.engine.inspect(id.as_str()).unwrap().exited.unwrap().exit_code, 137);
    place.engine.remove(id.as_str(), RemoveOptions::default()).unwrap();
    place.assert_empty();
}

#[test]
fn a_stop_outlives_the_monitor_that_was_asked() {
    let Some(place) = Place::new() else { return };
    let id = place.start(config(&["/bin/sleep", "1000"]));
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| {
            // The first process of a container ignores what it does not handle, so it is killed in the end.
            let options = StopOptions { signal: Some("TERM".into()), timeout_seconds: Some(1) };
            place.another().stop(id.as_str(), &options)
        });
        let began = Instant::now();
        while !place.path("data/containers").join(id.as_str()).join("stopped-by-user.json").exists() {
            assert!(began.elapsed() < Duration::from_secs(5));
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        lose_monitor(&place, &id, false);
        stopping.join().unwrap().unwrap();
    });
    let view = place.engine.inspect(id.as_str()).unwrap();
    assert_eq!((view.state, view.exited.unwrap().exit_code), (State::Exited, 137));
    place.engine.remove(id.as_str(), RemoveOptions::default()).unwrap();
    place.assert_empty();
}

#[test]
fn repair_replaces_a_lost_monitor() {
    let Some(place) = Place::new() else { return };
    let id = place.start(config(&["/bin/sleep", "1000"]));
    lose_monitor(&place, &id, false);
    assert_eq!(kinds(&place, true), [ProblemKind::LostMonitor]);
    assert_eq!(kinds(&place, false), []);
    place.engine.pause(id.as_str()).unwrap();
    place.engine.remove(id.as_str(), force()).unwrap();
    place.assert_empty();
}

#[test]
fn a_container_that_died_with_its_monitor() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let id = place.start(config(&["/bin/sleep", "1000"]));
    lose_monitor(&place, &id, true);
    let view = engine.inspect(id.as_str()).unwrap();
    assert_eq!((view.state, view.exited.unwrap().exit_code), (State::Exited, 255));
    assert_eq!(engine.wait(id.as_str(), WaitCondition::NotRunning).unwrap().error, "monitor-lost");
    engine.start(id.as_str(), StartOptions::default()).unwrap();
    assert_eq!(engine.inspect(id.as_str()).unwrap().state, State::Running);
    lose_monitor(&place, &id, true);
    assert!(kinds(&place, true).contains(&ProblemKind::LostMonitor));
    let view = engine.inspect(id.as_str()).unwrap();
    let exited = view.exited.clone().unwrap_or_else(|| panic!("{view:?}"));
    assert_eq!((exited.exit_code, exited.error.as_str()), (137, "monitor-lost"));
    lose_and_remove(&place, &id);
    place.assert_empty();
}

/// As after a reboot, or when a monitor could not take over a container that was just ending.
#[test]
fn a_lost_container_whose_control_group_is_gone() {
    let Some(place) = Place::new() else { return };
    let id = place.start(config(&["/bin/sleep", "1000"]));
    lose_monitor(&place, &id, true);
    let group = format!("sampan-{}/{id}", place.engine.context().instance);
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap() {
        let path = hierarchy.unwrap().path().join(&group);
        let began = Instant::now();
        while path.exists() && fs::remove_dir(&path).is_err() {
            assert!(began.elapsed() < Duration::from_secs(5));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(kinds(&place, true).contains(&ProblemKind::LostMonitor));
    assert_eq!(kinds(&place, false), []);
    let exited = place.engine.inspect(id.as_str()).unwrap().exited.unwrap();
    assert_eq!((exited.exit_code, exited.error.as_str()), (137, "monitor-lost"));
    place.engine.start(id.as_str(), StartOptions::default()).unwrap();
    place.engine.remove(id.as_str(), force()).unwrap();
    place.assert_empty();
}

fn lose_and_remove(place: &Place, id: &ContainerId) {
    place.engine.start(id.as_str(), StartOptions::default()).unwrap();
    lose_monitor(place, id, false);
    place.engine.remove(id.as_str(), force()).unwrap();
}

#[test]
fn policy_applies_to_a_container_that_died_with_its_monitor() {
    let Some(place) = Place::new() else { return };
    let restart = engine::RestartPolicy::Always;
    let id = place.start(ContainerConfig { restart, ..config(&["/bin/sleep", "1000"]) });
    lose_monitor(&place, &id, true);
    let report = place.engine.boot().unwrap();
    assert_eq!(report.failed.len(), 0, "{report:?}");
    assert_eq!(place.engine.inspect(id.as_str()).unwrap().state, State::Running);
    place.engine.remove(id.as_str(), force()).unwrap();
    place.assert_empty();
}

#[test]
fn a_half_removed_container_gives_its_name_back() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let named = ContainerConfig { name: Some("web".parse().unwrap()), ..config(&["/bin/true"]) };
    let first = engine.create(named.clone(), CreateOptions::default()).unwrap();
    fs::remove_dir_all(place.path("data/containers").join(first.id.as_str())).unwrap();
    assert_eq!(engine.inspect("web").unwrap().state, State::Dead);
    let second = engine.create(named, CreateOptions::default()).unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(engine.list(ListFilter { all: true }).unwrap().len(), 1);
    fs::remove_file(place.path("data/containers").join(second.id.as_str()).join("desired.json")).unwrap();
    assert_eq!(kinds(&place, true), [ProblemKind::IncompleteContainer]);
    place.assert_empty();
}

#[test]
fn orphans_of_every_kind_are_found_and_removed() {
    let Some(place) = Place::new() else { return };
    // The stores exist once something has been done.
    run(&place, ContainerConfig { auto_remove: true, ..config(&["/bin/true"]) });
    let id = ContainerId::random();
    for path in ["data/containers", "exec/containers"] {
        fs::create_dir_all(place.path(path).join(id.as_str())).unwrap();
    }
    let group = std::path::Path::new("/sys/fs/cgroup/pids")
        .join(format!("sampan-{}", place.engine.context().instance))
        .join(id.as_str());
    let has_group = fs::create_dir_all(&group).is_ok();
    fs::create_dir_all(place.path("data/volumes").join(ContainerId::random().as_str()).join("_data"))
        .unwrap();
    fs::create_dir_all(place.path("data/volumes/kept/_data")).unwrap();
    fs::create_dir_all(place.path("data/trash/0123")).unwrap();
    fs::write(place.path("data/instance.0123.tmp"), "").unwrap();
    let mut expected = vec![ProblemKind::OrphanDirectory];
    expected.extend(has_group.then_some(ProblemKind::OrphanCgroup));
    expected.extend([
        ProblemKind::OrphanVolume,
        ProblemKind::OrphanVolume,
        ProblemKind::Leftover,
        ProblemKind::Leftover,
    ]);
    assert_eq!(kinds(&place, false), expected);
    assert_eq!(kinds(&place, true), expected);
    assert_eq!(kinds(&place, false), []);
    let volumes = place.engine.list_volumes().unwrap();
    assert_eq!(volumes.iter().map(|volume| volume.name.as_str()).collect::<Vec<_>>(), ["kept"]);
    place.engine.remove_volume(&volumes[0].name).unwrap();
    place.assert_empty();
}

#[test]
fn a_container_whose_record_is_lost_is_not_deleted() {
    let Some(place) = Place::new() else { return };
    place.engine.create(config(&["/bin/true"]), CreateOptions::default()).unwrap();
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        fs::remove_file(place.path("data").join(name)).unwrap();
    }
    let place = place.reopen();
    let report = place.engine.check(true, false).unwrap();
    let found = |kind| report.problems.iter().find(|problem| problem.kind == kind);
    assert_eq!(found(ProblemKind::OrphanDirectory).unwrap().repair, None);
    assert_eq!(found(ProblemKind::OrphanSnapshot), None);
}

#[test]
fn many_at_once() {
    let Some(place) = Place::new() else { return };
    run(&place, ContainerConfig { auto_remove: true, ..config(&["/bin/true"]) });
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let other = place.another();
                for _ in 0..5 {
                    let asked = ContainerConfig { auto_remove: true, ..config(&["/bin/echo", "x"]) };
                    assert_eq!(place::run_in(&other, asked), (0, "x\n".to_owned()));
                }
            });
        }
    });
    place.assert_empty();
    assert_eq!(kinds(&place, false), []);
}
