//! Containers on the default bridge, in a network namespace that the test makes. Needs root and unshare(1).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod place;

use engine::model::{ContainerConfig, ExposedPort, NetworkChoice, PublishedPort};
use engine::{CreateOptions, Protocol, RemoveOptions, StartOptions};
use place::{Place, config, run};
use std::process::Command;

const INSIDE: &str = "SAMPAN_TEST_INSIDE_NETNS";

fn bridged(command: &[&str]) -> ContainerConfig {
    ContainerConfig { network: NetworkChoice::Default, ..config(command) }
}

fn published(container: u16, host: Option<u16>) -> PublishedPort {
    PublishedPort {
        container: ExposedPort { port: container, protocol: Protocol::Tcp },
        host_ip: None,
        host_port: host,
        host_port_end: host,
    }
}

/// Runs the tests below in a namespace of their own, where no firewall of the host is in the way.
#[test]
fn in_a_namespace_of_its_own() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let outcome = Command::new("unshare")
        .args(["--net", "--"])
        .arg(program)
        .args(["--ignored", "--test-threads=1", "--nocapture"])
        .env(INSIDE, "1")
        .status();
    match outcome {
        Ok(status) => assert!(status.success()),
        Err(error) => eprintln!("skipped: unshare: {error}"),
    }
}

fn inside() -> Option<Place> {
    std::env::var_os(INSIDE)?;
    Place::new()
}

#[test]
#[ignore = "runs inside in_a_namespace_of_its_own"]
fn addresses_are_kept_for_life() {
    let Some(place) = inside() else { return };
    let engine = &place.engine;
    let id = place.start(bridged(&["/bin/sleep", "1000"]));
    let address = |id: &engine::ContainerId| engine.inspect(id.as_str()).unwrap().endpoints[0].address;
    let first = address(&id);
    assert_eq!(first.octets()[3], 2);
    let other = place.start(bridged(&["/bin/sleep", "1000"]));
    assert_ne!(address(&other), first);
    let view = engine.inspect(id.as_str()).unwrap();
    let hosts = std::fs::read_to_string(&view.paths.hosts).unwrap();
    assert!(hosts.contains(&format!("{first}\t{}", id.short())), "{hosts}");
    engine.kill(id.as_str(), "KILL").unwrap();
    engine.wait(id.as_str(), engine::WaitCondition::NotRunning).unwrap();
    engine.start(id.as_str(), StartOptions::default()).unwrap();
    assert_eq!(address(&id), first);
    for id in [id, other] {
        engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).unwrap();
    }
    place.assert_empty();
    let report = engine.check(false, false).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
#[ignore = "runs inside in_a_namespace_of_its_own"]
fn ports_are_concrete_and_taken_once() {
    let Some(place) = inside() else { return };
    let engine = &place.engine;
    let asked = ContainerConfig {
        name: Some("first".parse().unwrap()),
        publish: vec![published(80, Some(8080)), published(81, None)],
        ..bridged(&["/bin/sleep", "1000"])
    };
    let id = place.start(asked);
    let ports = engine.inspect(id.as_str()).unwrap().ports;
    assert_eq!((ports[0].host_port, ports[0].container_port), (8080, 80));
    assert!(ports[1].host_port >= 49153, "{ports:?}");
    let same = ContainerConfig {
        publish: vec![published(80, Some(8080))],
        auto_remove: true,
        ..bridged(&["/bin/true"])
    };
    let error = engine.run(same, CreateOptions::default(), StartOptions::default()).unwrap_err();
    assert_eq!(error.exit_code(), 125);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("port is already allocated by container first"), "{cause}");
    let range = PublishedPort { host_port_end: Some(8081), ..published(80, Some(8080)) };
    let second = place.start(ContainerConfig { publish: vec![range], ..bridged(&["/bin/sleep", "1000"]) });
    assert_eq!(engine.inspect(second.as_str()).unwrap().ports[0].host_port, 8081);
    let listener = std::net::TcpListener::bind("0.0.0.0:9090").unwrap();
    let taken = ContainerConfig {
        publish: vec![published(80, Some(9090))],
        auto_remove: true,
        ..bridged(&["/bin/true"])
    };
    let error = engine.run(taken, CreateOptions::default(), StartOptions::default()).unwrap_err();
    assert_eq!(error.exit_code(), 125, "{error}");
    drop(listener);
    for id in [id, second] {
        engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).unwrap();
    }
    place.assert_empty();
    let report = engine.check(false, false).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
#[ignore = "runs inside in_a_namespace_of_its_own"]
fn the_network_of_another_container() {
    let Some(place) = inside() else { return };
    let owner = place.start(bridged(&["/bin/sleep", "1000"]));
    let joined = ContainerConfig {
        network: NetworkChoice::Container(owner.to_string()),
        auto_remove: true,
        ..config(&["/bin/cat", "/etc/hosts"])
    };
    let (code, hosts) = run(&place, joined.clone());
    assert_eq!(code, 0);
    assert!(hosts.contains(owner.short()), "{hosts}");
    place.engine.remove(owner.as_str(), RemoveOptions { force: true, volumes: true }).unwrap();
    let gone = place.engine.create(joined, CreateOptions::default()).unwrap_err();
    assert!(gone.to_string().starts_with("No such container"), "{gone}");
    place.assert_empty();
}
