//! What a group costs a launch: making it, entering it by each way, removing it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is the result")]

use cgroup::{Group, GroupPath, Hierarchies};
use kernel::process::{CloneOptions, clone_child, reap};
use rustix::process::Pid;
use spec::runtime::Resources;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

const ROUNDS: usize = 40;
/// Long enough for the kernel's fork lock to fall back to its quiet state, as it is between two launches.
const PAUSE: Duration = Duration::from_millis(60);

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let hierarchies = Hierarchies::detect().unwrap();
    let parent = GroupPath::parse(&format!("sampan-bench-{}", std::process::id())).unwrap();
    let path = parent.join("c").unwrap();
    let resources = Resources { devices: cgroup::default_device_rules(), ..Resources::default() };
    let mut times: [Vec<Duration>; 6] = Default::default();
    for round in 0..ROUNDS {
        std::thread::sleep(PAUSE);
        let mut mark = Instant::now();
        let mut take = |slot: usize| {
            times[slot].push(mark.elapsed());
            mark = Instant::now();
        };
        let group = Group::create(&hierarchies, &path, &resources).unwrap();
        take(0);
        let entry = group.entry().unwrap();
        take(1);
        if round % 2 == 0 {
            let cgroup = entry.v2_directory.as_ref().map(AsFd::as_fd);
            let child = clone_child(&CloneOptions { cgroup, ..CloneOptions::default() }, || {
                i32::from(entry.join_v1().is_err())
            });
            assert_eq!(reap(child.unwrap().pidfd.as_fd()).unwrap().code(), 0);
            take(2);
        } else {
            let child = clone_child(&CloneOptions::default(), || {
                std::thread::sleep(Duration::from_secs(5));
                0
            })
            .unwrap();
            take(3);
            group.add_process(Pid::from_raw(child.pid).unwrap()).unwrap();
            take(4);
            group.kill().unwrap();
            reap(child.pidfd.as_fd()).unwrap();
            take(3);
        }
        group.remove().unwrap();
        take(5);
    }
    hierarchies.remove_if_unused(&parent).unwrap();
    for (slot, name) in [
        (0, "create with Docker's device rules"),
        (1, "open the entry"),
        (2, "clone, enter by itself, exit, reap"),
        (4, "be moved in from outside"),
        (5, "remove"),
    ] {
        println!("{:>9.1?}  {name}", median(std::mem::take(&mut times[slot])));
    }
}
