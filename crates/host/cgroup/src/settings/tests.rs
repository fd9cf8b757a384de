//! The writes that resources come to.

use super::*;
use proptest::prelude::*;
use spec::runtime::{BlockIo, Cpu, HugepageLimit, Memory, NetworkClass, Pids, ThrottleDevice, WeightDevice};

/// `file=value` of every step, the pairs joined by `<>`.
fn writes(resources: &Resources, version: Version) -> Vec<String> {
    let show = |one: &Setting| format!("{}={}", one.file, one.value);
    let steps = plan(resources, |_| version).unwrap().0;
    let lines = steps.iter().map(|step| match step {
        Step::Write(one) => show(one),
        Step::EitherOrder(one, two) => format!("{}<>{}", show(one), show(two)),
        Step::RefuseBelowUsage { limit } => format!("usage<={limit}"),
    });
    lines.collect()
}

fn memory(limit: Option<i64>, swap: Option<i64>) -> Resources {
    Resources { memory: Some(Memory { limit, swap, ..Memory::default() }), ..Resources::default() }
}

#[test]
fn memory_and_swap() {
    let both = memory(Some(1000), Some(1500));
    assert_eq!(writes(&both, Version::V1), ["memory.limit_in_bytes=1000<>memory.memsw.limit_in_bytes=1500"]);
    assert_eq!(writes(&both, Version::V2), ["memory.swap.max=500", "memory.max=1000"]);
    let no_swap = memory(Some(1000), Some(1000));
    assert_eq!(writes(&no_swap, Version::V2), ["memory.swap.max=0", "memory.max=1000"]);
    let unlimited = memory(Some(-1), None);
    assert_eq!(writes(&unlimited, Version::V1), ["memory.limit_in_bytes=-1<>memory.memsw.limit_in_bytes=-1"]);
    assert_eq!(writes(&unlimited, Version::V2), ["memory.swap.max=max", "memory.max=max"]);
    assert!(plan(&unlimited, |_| Version::V1).unwrap().required().is_empty());
    assert!(writes(&memory(Some(0), Some(0)), Version::V2).is_empty());
}

#[test]
fn memory_that_cannot_be_expressed_is_refused() {
    for (limit, swap) in [(None, Some(5)), (Some(10), Some(5)), (Some(-1), Some(5))] {
        let refused = plan(&memory(limit, swap), |_| Version::V2);
        assert!(
            matches!(refused, Err(CgroupError::InvalidSetting { setting: "memory.swap", .. })),
            "{refused:?}"
        );
    }
    let swappy = Memory { swappiness: Some(101), ..Memory::default() };
    let resources = Resources { memory: Some(swappy), ..Resources::default() };
    assert!(plan(&resources, |_| Version::V1).is_err());
    assert!(plan(&resources, |_| Version::V2).is_err());
}

#[test]
fn cpu_in_both_versions() {
    let cpu = Cpu {
        shares: Some(1024),
        quota: Some(50_000),
        period: Some(100_000),
        cpus: "0-1".into(),
        ..Cpu::default()
    };
    let resources = Resources { cpu: Some(cpu), ..Resources::default() };
    assert_eq!(
        writes(&resources, Version::V1),
        ["cpuset.cpus=0-1", "cpu.shares=1024", "cpu.cfs_period_us=100000<>cpu.cfs_quota_us=50000"]
    );
    assert_eq!(
        writes(&resources, Version::V2),
        ["cpuset.cpus=0-1", "cpu.weight=100", "cpu.max=50000 100000"]
    );
    let bad = Cpu { cpus: "0;rm".into(), ..Cpu::default() };
    assert!(plan(&Resources { cpu: Some(bad), ..Resources::default() }, |_| Version::V1).is_err());
    let real_time = Cpu { realtime_runtime: Some(1), ..Cpu::default() };
    assert!(plan(&Resources { cpu: Some(real_time), ..Resources::default() }, |_| Version::V2).is_err());
}

#[test]
fn no_limit_needs_no_controller() {
    let resources = Resources {
        pids: Some(Pids { limit: -1 }),
        cpu: Some(Cpu { quota: Some(-1), burst: Some(0), ..Cpu::default() }),
        ..memory(Some(-1), Some(-1))
    };
    for version in [Version::V1, Version::V2] {
        assert!(plan(&resources, |_| version).unwrap().required().is_empty());
    }
    assert_eq!(writes(&Resources { memory: None, cpu: None, ..resources }, Version::V2), ["pids.max=max"]);
}

#[test]
fn block_io_in_both_versions() {
    let rate = |rate| vec![ThrottleDevice { major: 8, minor: 0, rate }];
    let io = BlockIo {
        weight: Some(500),
        weight_device: vec![WeightDevice { major: 8, minor: 16, weight: Some(10), leaf_weight: None }],
        throttle_read_bps_device: rate(1024),
        throttle_write_iops_device: rate(0),
        ..BlockIo::default()
    };
    let resources = Resources { block_io: Some(io), ..Resources::default() };
    assert_eq!(
        writes(&resources, Version::V1),
        [
            "blkio.bfq.weight=500",
            "blkio.bfq.weight_device=8:16 10",
            "blkio.throttle.read_bps_device=8:0 1024",
            "blkio.throttle.write_iops_device=8:0 0"
        ]
    );
    assert_eq!(
        writes(&resources, Version::V2),
        ["io.bfq.weight=500", "io.bfq.weight=8:16 10", "io.max=8:0 rbps=1024", "io.max=8:0 wiops=max"]
    );
    let odd = BlockIo { weight: Some(5), ..BlockIo::default() };
    assert!(plan(&Resources { block_io: Some(odd), ..Resources::default() }, |_| Version::V2).is_err());
}

#[test]
fn the_rarer_controllers() {
    let resources = Resources {
        hugepage_limits: vec![HugepageLimit { page_size: "2MB".into(), limit: 4096 }],
        network: Some(NetworkClass { class_id: Some(7), priorities: Vec::new() }),
        unified: [("memory.high".to_owned(), "5".to_owned())].into(),
        ..Resources::default()
    };
    assert_eq!(
        writes(&resources, Version::V2),
        ["hugetlb.2MB.rsvd.max=4096", "hugetlb.2MB.max=4096", "net_cls.classid=7", "memory.high=5"]
    );
    for size in ["2", "2TB", "../2MB", "MB", "2MBMB", ""] {
        let limit = HugepageLimit { page_size: size.into(), limit: 1 };
        let resources = Resources { hugepage_limits: vec![limit], ..Resources::default() };
        assert!(plan(&resources, |_| Version::V1).is_err(), "{size}");
    }
    for file in ["memory", "memory.", "../x.y", "a/b.c", ""] {
        let resources =
            Resources { unified: [(file.to_owned(), "1".to_owned())].into(), ..Resources::default() };
        assert!(plan(&resources, |_| Version::V2).is_err(), "{file}");
    }
}

#[test]
fn scales_meet_at_minimum_default_and_maximum() {
    use super::convert::{cpu_weight, io_weight};
    assert_eq!([2, 1024, 262_144].map(cpu_weight), [1, 100, 10_000]);
    assert_eq!([10, 1000].map(io_weight), [1, 10_000]);
}

proptest! {
    #[test]
    fn weights_stay_in_range_and_order(a in 0u64..400_000, b in 0u64..400_000, x: u16, y: u16) {
        use super::convert::{cpu_weight, io_weight};
        prop_assert!((1..=10_000).contains(&cpu_weight(a)));
        prop_assert!(a > b || cpu_weight(a) <= cpu_weight(b));
        prop_assert!((1..=10_000).contains(&io_weight(x)));
        prop_assert!(x > y || io_weight(x) <= io_weight(y));
    }

    #[test]
    fn swap_is_what_is_left_of_the_sum(limit in 1i64..i64::MAX / 2, more in 0i64..i64::MAX / 2) {
        let lines = writes(&memory(Some(limit), Some(limit + more)), Version::V2);
        prop_assert_eq!(lines, [format!("memory.swap.max={more}"), format!("memory.max={limit}")]);
    }
}
