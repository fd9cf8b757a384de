//! The instance as a whole: events, disk usage, pruning, images in use. Needs root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod place;

use engine::image::{Force, PruneScope};
use engine::model::ContainerConfig;
use engine::system::{EventQuery, PruneOptions};
use engine::{CreateOptions, RemoveOptions, State, WaitCondition};
use place::{Place, config, run};

const IMAGE: &str = "localhost/sampan-demo";

#[test]
fn events_of_a_life_in_order() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let following = engine.events(EventQuery::default()).unwrap();
    let id = place.start(config(&["/bin/exit", "3"]));
    engine.wait(id.as_str(), WaitCondition::NotRunning).unwrap();
    engine.remove(id.as_str(), RemoveOptions::default()).unwrap();
    let followed: Vec<_> = following.take(4).map(|event| event.unwrap()).collect();
    let actions: Vec<_> = followed.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["create", "start", "die", "destroy"]);
    assert_eq!(followed[2].attributes["exitCode"], "3");
    let now = i64::MAX;
    let until = followed[2].time_ns;
    let past = engine.events(EventQuery { since: Some(followed[1].time_ns), until: Some(until) }).unwrap();
    assert_eq!(past.map(|event| event.unwrap().action).collect::<Vec<_>>(), ["start", "die"]);
    let none = engine.events(EventQuery { since: Some(now), until: Some(until) }).unwrap();
    assert_eq!(none.count(), 0);
}

#[test]
fn usage_and_pruning() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let running = place.start(config(&["/bin/sleep", "1000"]));
    let stopped = engine.create(config(&["/bin/true"]), CreateOptions::default()).unwrap();
    engine.create_volume(Some("named".parse().unwrap()), Default::default()).unwrap();
    engine.create_volume(None, Default::default()).unwrap();
    let usage = engine.disk_usage().unwrap();
    assert_eq!((usage.containers.len(), usage.volumes.len(), usage.images.images.len()), (2, 2, 1));
    assert_eq!(usage.images_in_use.len(), 1);
    assert!(usage.index > 0 && usage.events > 0);
    let info = engine.info().unwrap();
    assert_eq!((info.containers, info.running, info.stopped, info.images), (2, 1, 1, 1));
    let prune = |images, volumes| {
        let options = PruneOptions {
            containers: true,
            networks: true,
            images,
            volumes,
            keep_container: &|_| false,
            keep_network: &|_| false,
            keep_image: &|_| false,
        };
        engine.prune(&options).unwrap()
    };
    let report = prune(Some(PruneScope::Unused), Some(false));
    assert_eq!(report.containers, [stopped.id]);
    assert_eq!((report.volumes.len(), report.images.len()), (1, 0), "{report:?}");
    assert_eq!(engine.list_volumes().unwrap()[0].name.as_str(), "named");
    engine.remove(running.as_str(), RemoveOptions { force: true, volumes: true }).unwrap();
    let report = prune(Some(PruneScope::Unused), Some(true));
    assert_eq!(report.volumes.len(), 1);
    assert!(!report.images.is_empty());
    assert!(engine.check(false, true).unwrap().is_clean());
    place.assert_empty();
}

#[test]
fn an_image_in_use_stays() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let id = place.start(config(&["/bin/sleep", "1000"]));
    let image = engine.inspect(id.as_str()).unwrap().image_id;
    let error = engine.remove_image(image.as_str(), Force::Yes).unwrap_err();
    assert!(error.to_string().contains("image is being used by running container"), "{error}");
    engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).unwrap();
    engine.remove_image(IMAGE, Force::No).unwrap();
    assert_eq!(engine.images().unwrap().list().unwrap().len(), 0);
}

#[test]
fn init_is_pid_1_when_asked() {
    let Some(place) = Place::new() else { return };
    let asked = ContainerConfig { init: true, auto_remove: true, ..config(&["/bin/echo", "under init"]) };
    assert_eq!(run(&place, asked), (0, "under init\n".to_owned()));
    place.assert_empty();
}

#[test]
fn bad_requests_leave_nothing() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let memory = engine::model::ResourceConfig { memory: Some(4096), ..Default::default() };
    for (asked, words) in [
        (ContainerConfig { image: "no-such-image".into(), ..config(&["x"]) }, "No such image"),
        (ContainerConfig { image: "Bad/Name".into(), ..config(&["x"]) }, "must be lowercase"),
        (config(&[]), "no command specified"),
        (ContainerConfig { resources: memory, ..config(&["x"]) }, "Minimum memory limit allowed is 6MB"),
        (ContainerConfig { cap_add: vec!["NOPE".into()], ..config(&["x"]) }, "unknown capability"),
        (
            ContainerConfig { user: Some("nobody-here".into()), ..config(&["x"]) },
            "unable to find user nobody-here",
        ),
        (
            ContainerConfig { stop_signal: Some("SIGNOPE".into()), ..config(&["x"]) },
            "invalid signal: SIGNOPE",
        ),
        (
            ContainerConfig { log_driver: Some("syslog".into()), ..config(&["x"]) },
            "no log driver named 'syslog'",
        ),
        (
            ContainerConfig {
                devices: vec![engine::model::DeviceConfig {
                    host_path: "/dev/no-such-device".into(),
                    container_path: String::new(),
                    permissions: "rwm".into(),
                }],
                ..config(&["x"])
            },
            "error gathering device information while adding custom device \"/dev/no-such-device\"",
        ),
        (
            ContainerConfig {
                mounts: vec![engine::model::MountConfig {
                    target: "/x".into(),
                    source: engine::model::MountSource::Bind {
                        path: "/no/such/path".into(),
                        create: false,
                        propagation: None,
                        non_recursive: false,
                    },
                    read_only: false,
                }],
                ..config(&["x"])
            },
            "bind source path does not exist: /no/such/path",
        ),
    ] {
        let never = CreateOptions { pull: engine::PullPolicy::Never, ..CreateOptions::default() };
        let error = engine.create(asked, never).unwrap_err().to_string();
        assert!(error.contains(words), "{error:?} does not contain {words:?}");
    }
    assert_eq!(engine.list(engine::ListFilter { all: true }).unwrap().len(), 0);
    place.assert_empty();
    assert!(engine.check(false, false).unwrap().is_clean());
    let view = engine.create(config(&["x"]), CreateOptions::default()).map(|made| made.id).unwrap();
    assert_eq!(engine.inspect(view.as_str()).unwrap().state, State::Created);
}
