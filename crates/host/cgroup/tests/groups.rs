//! Groups on this machine's kernel, as root: limits that bite, pausing, killing, and nothing left behind.
//!
//! Every test works in `sampan-test-<pid>` of each hierarchy and removes it. A machine with hybrid hierarchies is
//! also tested as one of pure v1 and, as far as cgroup2 goes without controllers, as one of v2.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is the result")]

use cgroup::{CgroupError, Controller, Entry, Group, GroupPath, Hierarchies, Mode, Version};
use kernel::process::{Child, CloneOptions, Exit, clone_child, reap};
use rustix::process::Pid;
use spec::runtime::{Cpu, DeviceRule, HugepageLimit, Memory, Pids, Rdma, Resources};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const MEBIBYTE: i64 = 1 << 20;
const SECOND: Duration = Duration::from_secs(1);

/// A name below the test's own parent, and the machine as one test sees it.
struct Place {
    hierarchies: Hierarchies,
    path: GroupPath,
}

impl Place {
    fn create(&self, resources: &Resources) -> Result<Group, CgroupError> {
        Group::create(&self.hierarchies, &self.path, resources)
    }

    /// Where the group exists now.
    fn directories(&self) -> Vec<PathBuf> {
        let all = self.hierarchies.all().iter().map(|one| one.mount_point.join(self.path.as_str()));
        all.filter(|directory| directory.exists()).collect()
    }

    fn needs(&self, controller: Controller) -> bool {
        let has = self.hierarchies.all().iter().any(|one| one.controllers.contains(controller));
        if !has {
            println!("    skipped: no {controller} controller");
        }
        has
    }
}

/// Starts a child inside the group.
fn start(entry: &Entry, body: impl FnOnce() -> i32) -> Child {
    let cgroup = entry.v2_directory.as_ref().map(AsFd::as_fd);
    let keep: Vec<_> = entry.v1_tasks.iter().map(AsFd::as_fd).collect();
    let options = CloneOptions { cgroup, keep: &keep, ..CloneOptions::default() };
    clone_child(&options, || match entry.join_v1() {
        Ok(()) => body(),
        Err(_) => 99,
    })
    .unwrap()
}

fn run(group: &Group, body: impl FnOnce() -> i32) -> Exit {
    reap(start(&group.entry().unwrap(), body).pidfd.as_fd()).unwrap()
}

fn sleeper(group: &Group) -> Child {
    start(&group.entry().unwrap(), || {
        std::thread::sleep(60 * SECOND);
        0
    })
}

fn spinner(group: &Group) -> Child {
    start(&group.entry().unwrap(), || {
        let start = Instant::now();
        while start.elapsed() < 60 * SECOND {
            std::hint::spin_loop();
        }
        0
    })
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < 10 * SECOND, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn end(group: &Group, child: &Child) {
    group.kill().unwrap();
    assert_eq!(reap(child.pidfd.as_fd()).unwrap(), Exit::Signal { number: 9, core: false });
    group.wait_until_empty(5 * SECOND).unwrap();
    group.remove().unwrap();
}

fn limited_memory(limit: i64) -> Resources {
    let memory = Memory { limit: Some(limit), swap: Some(limit), ..Memory::default() };
    Resources { memory: Some(memory), ..Resources::default() }
}

fn a_group_is_where_it_is_needed_and_goes_without_a_trace(place: &Place) {
    let group = place.create(&Resources::default()).unwrap();
    for hierarchy in place.hierarchies.all() {
        let directory = hierarchy.mount_point.join(place.path.as_str());
        let has = |controller| hierarchy.controllers.contains(controller);
        let needed =
            [Controller::Memory, Controller::Cpu, Controller::Pids, Controller::Devices, Controller::Io];
        let spared = place.hierarchies.unified().is_some();
        let expected = hierarchy.version == Version::V2
            || needed.into_iter().any(has)
            || (!spared && (has(Controller::Freezer) || has(Controller::Cpuacct)));
        assert_eq!(directory.exists(), expected, "{}", directory.display());
    }
    assert!(group.is_empty().unwrap());
    assert_eq!(group.processes().unwrap(), []);
    group.remove().unwrap();
    group.remove().unwrap();
    assert!(matches!(Group::open(&place.hierarchies, &place.path), Err(CgroupError::NotFound { .. })));
    assert!(!group.is_frozen().unwrap());
    group.kill().unwrap();
}

fn a_child_is_born_or_moves_into_every_directory(place: &Place) {
    let group = place.create(&Resources::default()).unwrap();
    let child = sleeper(&group);
    let expected = place.directories().len();
    let named = || {
        let text = std::fs::read_to_string(format!("/proc/{}/cgroup", child.pid)).unwrap();
        text.lines().filter(|line| line.ends_with(place.path.as_str())).count()
    };
    wait_until("membership", || named() == expected);
    let pids: Vec<i32> = group.processes().unwrap().iter().map(|pid| pid.as_raw_nonzero().get()).collect();
    assert_eq!(pids, [child.pid]);
    assert!(!group.is_empty().unwrap());
    end(&group, &child);
}

fn a_process_can_be_moved_in_from_outside(place: &Place) {
    let group = place.create(&Resources::default()).unwrap();
    let child = clone_child(&CloneOptions::default(), || {
        std::thread::sleep(60 * SECOND);
        0
    })
    .unwrap();
    group.add_process(Pid::from_raw(child.pid).unwrap()).unwrap();
    assert_eq!(group.processes().unwrap().len(), 1);
    end(&group, &child);
}

fn memory_beyond_the_limit_ends_the_process_and_is_counted(place: &Place) {
    if !place.needs(Controller::Memory) {
        return;
    }
    let group = place.create(&limited_memory(16 * MEBIBYTE)).unwrap();
    let mut watch = group.oom_events().unwrap().unwrap();
    let exit = run(&group, || {
        let hoard = vec![1u8; 64 << 20];
        i32::from(hoard[hoard.len() / 2])
    });
    assert_eq!(exit, Exit::Signal { number: 9, core: false });
    let epoll = rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC).unwrap();
    let data = rustix::event::epoll::EventData::new_u64(1);
    rustix::event::epoll::add(&epoll, watch.as_fd(), data, watch.readiness()).unwrap();
    let mut events = Vec::with_capacity(4);
    let ready = |events: &mut Vec<_>, milliseconds: i64| {
        events.clear();
        let limit = rustix::event::Timespec { tv_sec: 0, tv_nsec: milliseconds * 1_000_000 };
        rustix::event::epoll::wait(&epoll, rustix::buffer::spare_capacity(events), Some(&limit)).unwrap()
    };
    assert_eq!(ready(&mut events, 500), 1);
    // The kernel holds notices back for 10 ms and then gives them at once, so another may follow.
    let quiet = (0..5).any(|_| {
        watch.clear();
        ready(&mut events, 100) == 0
    });
    assert!(quiet, "the watch stays ready");
    assert_eq!(watch.count().unwrap(), 1);
    assert_eq!(group.oom_kills().unwrap(), 1);
    let memory = group.stats().unwrap().memory.unwrap();
    assert_eq!((memory.oom_kills, memory.limit), (1, Some(16 << 20)));
    assert!(memory.max_usage.is_none_or(|most| most > 8 << 20), "{memory:?}");
    group.remove().unwrap();
    assert_eq!(watch.count().unwrap(), 1);
}

fn the_count_of_tasks_is_limited(place: &Place) {
    if !place.needs(Controller::Pids) {
        return;
    }
    let group = place.create(&Resources { pids: Some(Pids { limit: 3 }), ..Resources::default() }).unwrap();
    // The child is one, so two of its own fit.
    let exit = run(&group, || {
        let mut count = 0;
        let children: Vec<_> = (0..5)
            .filter_map(|_| {
                clone_child(&CloneOptions::default(), || {
                    std::thread::sleep(60 * SECOND);
                    0
                })
                .ok()
            })
            .collect();
        for child in children {
            count += 1;
            let _ = kernel::process::send_signal(child.pidfd.as_fd(), 9);
            let _ = reap(child.pidfd.as_fd());
        }
        count
    });
    assert_eq!(exit, Exit::Code(2));
    assert_eq!(group.stats().unwrap().pids.unwrap().limit, Some(3));
    group.remove().unwrap();
}

fn a_paused_group_stands_still_and_goes_on(place: &Place) {
    let group = place.create(&Resources::default()).unwrap();
    let child = spinner(&group);
    let used = || {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", child.pid)).unwrap();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    wait_until("work", || used() > 1);
    group.freeze().unwrap();
    assert!(group.is_frozen().unwrap());
    let before = used();
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(used(), before);
    group.thaw().unwrap();
    assert!(!group.is_frozen().unwrap());
    wait_until("work goes on", || used() > before);
    group.freeze().unwrap();
    // A paused group is killed all the same.
    end(&group, &child);
}

fn killing_reaches_descendants_in_groups_below(place: &Place) {
    let group = place.create(&Resources::default()).unwrap();
    let below: Vec<PathBuf> = place.directories().iter().map(|directory| directory.join("a")).collect();
    for directory in &below {
        std::fs::create_dir(directory).unwrap();
        std::fs::create_dir(directory.join("b")).unwrap();
    }
    let entry = group.entry().unwrap();
    let child = start(&entry, || {
        for directory in &below {
            if !directory.starts_with("/sys/fs/cgroup/cpuset") {
                let _ = std::fs::write(directory.join("cgroup.procs"), "0");
            }
        }
        for _ in 0..3 {
            let _ = clone_child(&CloneOptions::default(), || {
                std::thread::sleep(60 * SECOND);
                0
            });
        }
        std::thread::sleep(60 * SECOND);
        0
    });
    wait_until("four processes", || group.processes().unwrap().len() == 4);
    assert!(matches!(place.create(&Resources::default()), Err(CgroupError::InUse { .. })));
    let refused = group.remove().unwrap_err();
    assert!(matches!(refused, CgroupError::InUse { count: 1..=4, .. }), "{refused}");
    assert_eq!(place.directories().len(), below.len());
    end(&group, &child);
}

/// One node that the default rules allow and one that they do not.
fn devices_beyond_the_list_are_refused(place: &Place) {
    let outside = ["/dev/fuse", "/dev/kmsg", "/dev/rtc0"];
    let Some(refused) = outside.into_iter().find(|path| std::fs::File::open(path).is_ok()) else {
        println!("    skipped: none of {outside:?} can be opened here anyway");
        return;
    };
    let allowed = "/dev/null";
    let number = std::os::unix::fs::MetadataExt::rdev(&std::fs::metadata(refused).unwrap());
    let probe = || {
        let mut open = 0;
        for (bit, path) in [(1, allowed), (2, refused)] {
            open |= if std::fs::File::open(path).is_ok() { bit } else { 0 };
        }
        open
    };
    let devices = cgroup::default_device_rules();
    let mut group = place.create(&Resources { devices: devices.clone(), ..Resources::default() }).unwrap();
    assert_eq!(run(&group, probe), Exit::Code(1));
    let one_more = DeviceRule {
        allow: true,
        kind: "c".into(),
        major: Some(rustix::fs::major(number).into()),
        minor: Some(rustix::fs::minor(number).into()),
        access: "r".into(),
    };
    let more = devices.into_iter().chain([one_more]).collect();
    group.apply(&Resources { devices: more, ..Resources::default() }).unwrap();
    assert_eq!(run(&group, probe), Exit::Code(3));
    let none = vec![DeviceRule::default()];
    group.apply(&Resources { devices: none, ..Resources::default() }).unwrap();
    assert_eq!(run(&group, probe), Exit::Code(0));
    group.remove().unwrap();
}

fn limits_change_while_processes_run(place: &Place) {
    if !place.needs(Controller::Memory) || !place.needs(Controller::Cpuset) {
        return;
    }
    let mut group = place.create(&limited_memory(32 * MEBIBYTE)).unwrap();
    let child = sleeper(&group);
    wait_until("one process", || group.processes().unwrap().len() == 1);
    let limit = |group: &Group| group.stats().unwrap().memory.unwrap().limit;
    for size in [64, 16, 48] {
        group.apply(&limited_memory(size * MEBIBYTE)).unwrap();
        assert_eq!(limit(&group), Some(u64::try_from(size * MEBIBYTE).unwrap()));
    }
    // A cpuset was not needed until now.
    let cpu = Cpu { cpus: "0".into(), ..Cpu::default() };
    group.apply(&Resources { cpu: Some(cpu), ..Resources::default() }).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.pid)).unwrap();
    assert!(status.lines().any(|line| line == "Cpus_allowed_list:\t0"), "{status}");
    // The second of these cannot be, so the first is taken back.
    let cpu = Cpu { cpus: "4000".into(), ..Cpu::default() };
    let refused = group.apply(&Resources { cpu: Some(cpu), ..limited_memory(20 * MEBIBYTE) });
    assert!(matches!(refused, Err(CgroupError::Write { .. })), "{refused:?}");
    assert_eq!(limit(&group), Some(48 << 20));
    end(&group, &child);
}

fn processors_and_quota_are_obeyed(place: &Place) {
    if !place.needs(Controller::Cpu) || !place.needs(Controller::Cpuset) {
        return;
    }
    let cpu = Cpu {
        quota: Some(10_000),
        period: Some(100_000),
        shares: Some(512),
        cpus: "0".into(),
        ..Cpu::default()
    };
    let group = place.create(&Resources { cpu: Some(cpu), ..Resources::default() }).unwrap();
    let child = spinner(&group);
    wait_until("throttling", || group.stats().unwrap().cpu.throttling.throttled_periods > 1);
    let stats = group.stats().unwrap().cpu;
    assert!(stats.throttling.periods >= 2 && stats.throttling.throttled_time > 0, "{stats:?}");
    assert!(stats.total > 5_000_000, "{stats:?}");
    end(&group, &child);
}

fn what_this_machine_lacks_is_named(place: &Place) {
    for (controller, resources) in [
        (
            Controller::Rdma,
            Resources {
                rdma: [("mlx5_0".to_owned(), Rdma { hca_handles: Some(3), hca_objects: None })].into(),
                ..Resources::default()
            },
        ),
        (Controller::Memory, limited_memory(MEBIBYTE)),
    ] {
        if place.hierarchies.has(controller) {
            continue;
        }
        match place.create(&resources) {
            Err(CgroupError::MissingController { controller: named, .. }) => assert_eq!(named, controller),
            other => panic!("{other:?}"),
        }
    }
    assert!(place.directories().is_empty());
}

fn a_refused_limit_leaves_nothing(place: &Place) {
    if !place.needs(Controller::Cpuset) {
        return;
    }
    let cpu = Cpu { cpus: "4000".into(), ..Cpu::default() };
    let refused = place.create(&Resources { cpu: Some(cpu), ..Resources::default() }).unwrap_err();
    assert!(refused.to_string().starts_with("cannot set cpu.cpus: \"4000\" refused by"), "{refused}");
    assert!(place.directories().is_empty());
}

fn a_leftover_gives_way_with_its_limits(place: &Place) {
    if !place.needs(Controller::Memory) {
        return;
    }
    drop(place.create(&limited_memory(16 * MEBIBYTE)).unwrap());
    let group = place.create(&Resources::default()).unwrap();
    assert_eq!(group.stats().unwrap().memory.unwrap().limit, None);
    let parent = GroupPath::parse(place.path.ancestors().last().unwrap()).unwrap();
    let name = place.path.as_str().rsplit('/').next().unwrap();
    assert!(place.hierarchies.children(&parent).unwrap().contains(name));
    place.hierarchies.remove(&place.path).unwrap();
    place.hierarchies.remove(&place.path).unwrap();
}

fn an_entry_leads_out_of_the_callers_group(place: &Place) {
    // In a child: it goes into a freezer group of its own first, as if a container's shell called us.
    let Some(freezer) =
        place.hierarchies.v1(Controller::Freezer).filter(|_| place.hierarchies.unified().is_some())
    else {
        return;
    };
    let shell = freezer.mount_point.join(format!("{}-shell", place.path));
    std::fs::create_dir_all(&shell).unwrap();
    let child = clone_child(&CloneOptions::default(), || {
        std::fs::write(shell.join("tasks"), "0").unwrap();
        let hierarchies = Hierarchies::detect().unwrap();
        let group = Group::create(&hierarchies, &place.path, &Resources::default()).unwrap();
        let exit = run(&group, || {
            let text = std::fs::read_to_string("/proc/self/cgroup").unwrap();
            i32::from(text.contains("-shell"))
        });
        group.remove().unwrap();
        exit.code()
    })
    .unwrap();
    let exit = reap(child.pidfd.as_fd()).unwrap();
    wait_until("the shell's group is left", || rustix::fs::rmdir(&shell).is_ok());
    assert_eq!(exit, Exit::Code(0));
}

fn an_entry_beside_a_process_follows_it_below(place: &Place) {
    let Some(unified) = place.hierarchies.unified() else { return };
    let group = place.create(&Resources::default()).unwrap();
    let below = unified.mount_point.join(place.path.as_str()).join("init.scope");
    std::fs::create_dir(&below).unwrap();
    let first = start(&group.entry().unwrap(), || {
        std::fs::write(below.join("cgroup.procs"), "0").unwrap();
        std::thread::sleep(60 * SECOND);
        0
    });
    let moved =
        |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap().contains("init.scope");
    wait_until("the move", || moved(first.pid));
    let beside = group.entry_beside(Pid::from_raw(first.pid).unwrap()).unwrap();
    let second = start(&beside, || {
        std::thread::sleep(60 * SECOND);
        0
    });
    assert!(moved(second.pid));
    group.kill().unwrap();
    reap(second.pidfd.as_fd()).unwrap();
    end(&group, &first);
}

/// The one controller that cgroup2 has on a hybrid machine, where nobody mounted it as v1.
fn a_controller_of_cgroup2_is_enabled_on_the_way_down(place: &Place) {
    let Some(unified) =
        place.hierarchies.unified().filter(|one| one.controllers.contains(Controller::Hugetlb))
    else {
        println!("    skipped: no hugetlb in cgroup2");
        return;
    };
    let top = unified.mount_point.join("cgroup.subtree_control");
    let before = std::fs::read_to_string(&top).unwrap();
    let limit = HugepageLimit { page_size: "2MB".into(), limit: 4 << 20 };
    let group = place.create(&Resources { hugepage_limits: vec![limit], ..Resources::default() }).unwrap();
    let file = unified.mount_point.join(place.path.as_str()).join("hugetlb.2MB.max");
    assert_eq!(std::fs::read_to_string(file).unwrap().trim(), "4194304");
    let again = Group::open(&place.hierarchies, &place.path).unwrap();
    assert!(again.stats().unwrap().cpu.total < 1_000_000_000);
    group.remove().unwrap();
    // The machine's top is left as it was, so that hugetlb can be mounted elsewhere.
    if !before.contains("hugetlb") {
        let parent = unified.mount_point.join(place.path.ancestors().last().unwrap());
        std::fs::write(parent.join("cgroup.subtree_control"), "-hugetlb").unwrap();
        std::fs::write(&top, "-hugetlb").unwrap();
    }
}

type Test = (&'static str, fn(&Place));

macro_rules! tests {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), $name as fn(&Place))),*] };
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with("--")).collect();
    let tests: [Test; 16] = tests![
        a_group_is_where_it_is_needed_and_goes_without_a_trace,
        a_child_is_born_or_moves_into_every_directory,
        a_process_can_be_moved_in_from_outside,
        memory_beyond_the_limit_ends_the_process_and_is_counted,
        the_count_of_tasks_is_limited,
        a_paused_group_stands_still_and_goes_on,
        killing_reaches_descendants_in_groups_below,
        devices_beyond_the_list_are_refused,
        limits_change_while_processes_run,
        processors_and_quota_are_obeyed,
        what_this_machine_lacks_is_named,
        a_refused_limit_leaves_nothing,
        a_leftover_gives_way_with_its_limits,
        an_entry_leads_out_of_the_callers_group,
        an_entry_beside_a_process_follows_it_below,
        a_controller_of_cgroup2_is_enabled_on_the_way_down,
    ];
    if std::env::args().any(|one| one == "--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let found = Hierarchies::detect().unwrap();
    let mut views = vec![found.clone()];
    if found.mode() == Mode::Hybrid {
        views.extend([found.clone().only(Version::V1), found.clone().only(Version::V2)]);
    }
    let parent = GroupPath::parse(&format!("sampan-test-{}", std::process::id())).unwrap();
    let mut failed = 0;
    for hierarchies in views {
        for (name, test) in tests.iter().filter(|(name, _)| arguments.iter().all(|part| name.contains(part)))
        {
            println!("test {name} ({:?}) ...", hierarchies.mode());
            let place = Place { hierarchies: hierarchies.clone(), path: parent.join(name).unwrap() };
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&place)));
            let left = place.directories();
            if outcome.is_err() || !left.is_empty() {
                println!("test {name} ({:?}) FAILED, left: {left:?}", hierarchies.mode());
                failed += 1;
                if let Ok(group) = Group::open(&hierarchies, &place.path) {
                    let _ = group.kill();
                    let _ = group.remove();
                }
            }
        }
    }
    found.remove_if_unused(&parent).unwrap();
    assert!(found.all().iter().all(|one| !one.mount_point.join(parent.as_str()).exists()));
    println!("{failed} failed");
    std::process::exit(i32::from(failed > 0));
}
