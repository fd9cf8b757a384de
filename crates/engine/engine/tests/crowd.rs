//! A thousand containers, a hundred at a time. Needs root; only with `SAMPAN_FULL`, else a tenth of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod place;

use engine::model::{ContainerConfig, NetworkChoice};
use engine::{CreateOptions, ListFilter, RemoveOptions, StartOptions, WaitCondition};
use place::{Place, config, run};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const INSIDE: &str = "SAMPAN_TEST_INSIDE_NETNS";

fn crowd(network: &NetworkChoice) {
    let Some(place) = Place::new() else { return };
    let full = std::env::var_os("SAMPAN_FULL").is_some();
    let (count, at_once) = if full { (1000, 100) } else { (100, 20) };
    run(&place, ContainerConfig { auto_remove: true, ..config(&["/bin/true"]) });
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    let engine = place.another();
                    let asked = ContainerConfig { network: network.clone(), ..config(&["/bin/true"]) };
                    let running =
                        engine.run(asked, CreateOptions::default(), StartOptions::default()).unwrap();
                    let outcome = engine.wait(running.id.as_str(), WaitCondition::NotRunning).unwrap();
                    assert_eq!((outcome.exit_code, outcome.error.as_str()), (0, ""));
                }
            });
        }
    });
    println!("{count} containers, {at_once} at a time, {network:?}: {:?}", began.elapsed());
    let all = place.engine.list(ListFilter { all: true }).unwrap();
    assert_eq!(all.len(), count);
    for view in all {
        place.engine.remove(view.id.as_str(), RemoveOptions::default()).unwrap();
    }
    place.assert_empty();
    let report = place.engine.check(false, false).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn without_a_network() {
    crowd(&NetworkChoice::None);
}

#[test]
fn on_a_bridge() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let outcome = Command::new("unshare")
        .args(["--net", "--"])
        .arg(program)
        .args(["--ignored", "--nocapture"])
        .env(INSIDE, "1")
        .status();
    match outcome {
        Ok(status) => assert!(status.success()),
        Err(error) => eprintln!("skipped: unshare: {error}"),
    }
}

#[test]
#[ignore = "runs inside on_a_bridge"]
fn inside_a_namespace_of_its_own() {
    if std::env::var_os(INSIDE).is_some() {
        crowd(&NetworkChoice::Default);
    }
}
