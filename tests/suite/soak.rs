//! Many containers: at once, and at the same time. A small version of each runs always, the real one in the long tier.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tests::census::Census;
use tests::isolation::isolated_long;
use tests::report::note;
use tests::sampan::DEMO_IMAGE;
use tests::{Sampan, isolated};

/// Proportional set size that a monitor may have, in KiB.
const MONITOR_LIMIT_KIB: u64 = 2048;
/// How long many containers may take to be gone once they have ended.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn sixty_runs_twenty_at_a_time() {
    isolated(|sampan| runs(sampan, 60, 20));
}

#[test]
#[ignore = "long: 1,000 runs"]
fn a_thousand_runs_a_hundred_at_a_time() {
    isolated_long(|sampan| runs(sampan, 1000, 100));
}

#[test]
fn twenty_containers_with_a_bridge() {
    isolated(|sampan| containers(sampan, 20));
}

#[test]
#[ignore = "long: 200 containers"]
fn two_hundred_containers_with_a_bridge() {
    isolated_long(|sampan| containers(sampan, 200));
}

/// `total` times `run -d`, `width` of them at any time: all succeed, and all containers end well.
fn runs(sampan: &Sampan, total: usize, width: usize) {
    let before = start(sampan);
    let started = Instant::now();
    let next = std::sync::atomic::AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..width {
            scope.spawn(|| {
                while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < total {
                    let _ = sampan.run(["run", "-d", DEMO_IMAGE, "true"]).ok().is_quiet();
                }
            });
        }
    });
    let elapsed = started.elapsed();
    let ids = all_ids(sampan);
    assert_eq!(ids.len(), total);
    let milliseconds = elapsed.as_secs_f64() * 1000.0 / total as f64;
    let subject = format!("{total} times run -d, {width} at a time");
    note(&subject, &format!("{:.1} s, {milliseconds:.1} ms each", elapsed.as_secs_f64()));
    for chunk in ids.chunks(100) {
        let codes = sampan.run(["wait"].into_iter().chain(chunk.iter().map(String::as_str))).ok().stdout();
        assert!(codes.lines().all(|code| code == "0"), "{codes}");
    }
    note(&subject, &format!("{} ended with 0", ids.len()));
    time_of_ps(sampan, &subject);
    remove(sampan, &ids, &[], &subject);
    finish(sampan, &before, &subject);
}

/// `count` containers with default log and bridge at the same time: what their monitors take, and what `ps` does.
fn containers(sampan: &Sampan, count: usize) {
    let before = start(sampan);
    let started = Instant::now();
    for _ in 0..count {
        let _ = sampan.run(["run", "-d", DEMO_IMAGE, "sleep", "100000"]).ok().is_quiet();
    }
    let subject = format!("{count} containers with a bridge");
    note(&subject, &format!("started in {:.1} s", started.elapsed().as_secs_f64()));
    let ids = all_ids(sampan);
    let mut sizes: Vec<u64> = ids.iter().map(|id| monitor_size_kib(sampan, id)).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    let (least, most) = (sizes[0], sizes[sizes.len() - 1]);
    note(&subject, &format!("Pss of a monitor: median {median} KiB, from {least} to {most} KiB"));
    time_of_ps(sampan, &subject);
    note(&subject, &format!("at the same time: {}", sampan.census().summary()));
    remove(sampan, &ids, &["--force"], &subject);
    finish(sampan, &before, &subject);
    assert!(median <= MONITOR_LIMIT_KIB, "a monitor takes {median} KiB, more than {MONITOR_LIMIT_KIB}");
}

/// The census once the instance and its network are there.
fn start(sampan: &Sampan) -> Census {
    let _ = sampan.run(["run", "--rm", DEMO_IMAGE, "true"]).ok();
    sampan.settled_census()
}

fn all_ids(sampan: &Sampan) -> Vec<String> {
    let text = sampan.run(["ps", "--all", "--quiet", "--no-trunc"]).ok().stdout();
    text.lines().map(String::from).collect()
}

fn time_of_ps(sampan: &Sampan, subject: &str) {
    let mut times: Vec<Duration> =
        (0..11).map(|_| sampan.run(["ps", "--all", "--quiet"]).ok().elapsed).collect();
    times.sort_unstable();
    note(subject, &format!("ps --all: median {:.1} ms", times[5].as_secs_f64() * 1000.0));
}

/// From `/proc/PID/smaps_rollup` (proc(5)); the number is in the fact that the monitor wrote
/// (docs/on-disk-formats.md).
fn monitor_size_kib(sampan: &Sampan, id: &str) -> u64 {
    let path = sampan.data_root().join("containers").join(id).join("started.json");
    let fact: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let rollup = Path::new("/proc").join(fact["monitor_pid"].to_string()).join("smaps_rollup");
    let text = fs::read_to_string(rollup).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn remove(sampan: &Sampan, ids: &[String], options: &[&str], subject: &str) {
    let started = Instant::now();
    for chunk in ids.chunks(100) {
        let words = ["rm"].iter().chain(options).copied().chain(chunk.iter().map(String::as_str));
        let _ = sampan.command(words).limit(Duration::from_secs(300)).run().ok();
    }
    note(subject, &format!("removed in {:.1} s", started.elapsed().as_secs_f64()));
}

/// Nothing is left; the kernel may take its time for so many network interfaces.
fn finish(sampan: &Sampan, before: &Census, subject: &str) {
    let started = Instant::now();
    while !before.differences(&sampan.census()).is_empty() && started.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
    }
    sampan.require_no_leak_since(before, Census::clone);
    let _ = sampan.run(["system", "check"]).ok();
    note(subject, &format!("before: {}", before.summary()));
    note(subject, &format!("after:  {}", sampan.census().summary()));
}
