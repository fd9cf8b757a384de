//! Memory, processor and process limits, where the cgroup files are visible; version 1 and 2, each controller where
//! it is mounted (hybrid hosts have both).

use super::layout::Row;
use super::mounts::{self, Mount};

/// Version 1 writes "no limit" as the largest multiple of the page size; anything near it means the same.
const V1_UNLIMITED: u64 = 1 << 62;

pub(super) fn rows() -> Vec<Option<Row>> {
    let Ok(table) = std::fs::read_to_string("/proc/self/mountinfo") else { return Vec::new() };
    let membership = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = mounts::parse(&table);
    let groups = Groups { mounts: &mounts, membership: &membership };
    let row = |label, text: Option<String>| text.map(|text| Row::new(label, text));
    vec![
        row("memory", memory(&groups)),
        row("processor", processor(&groups)),
        row("processes", processes(&groups)),
    ]
}

/// The hierarchies this process can see, and its place in each.
struct Groups<'a> {
    mounts: &'a [Mount<'a>],
    membership: &'a str,
}

impl Groups<'_> {
    /// The content of a v1 controller's file in this process's group.
    fn v1(&self, controller: &str, file: &str) -> Option<String> {
        let mount = self.mounts.iter().find(|mount| {
            mount.file_system == "cgroup" && mounts::has_option(mount.super_options, controller)
        })?;
        read(mount, self.place(controller)?, file)
    }

    /// The content of a file of this process's group in the v2 tree.
    fn v2(&self, file: &str) -> Option<String> {
        let mount = self.mounts.iter().find(|mount| mount.file_system == "cgroup2")?;
        read(mount, self.place("")?, file)
    }

    /// The path of this process's group, as in `4:memory:/path`; the empty controller is the v2 tree.
    fn place(&self, controller: &str) -> Option<&str> {
        self.membership.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            (controllers == controller || mounts::has_option(controllers, controller)).then_some(path)
        })
    }
}

fn read(mount: &Mount<'_>, place: &str, file: &str) -> Option<String> {
    let directory = directory(mount, place);
    let text = std::fs::read_to_string(format!("{directory}/{file}")).ok()?;
    Some(String::from(text.trim()))
}

/// Where the group is visible: without a cgroup namespace the mount may show only the group's own subtree.
fn directory(mount: &Mount<'_>, place: &str) -> String {
    let below = place.strip_prefix(mount.root.trim_end_matches('/')).unwrap_or("");
    format!("{}{}", mount.mount_point, below.trim_end_matches('/'))
}

fn memory(groups: &Groups<'_>) -> Option<String> {
    let limit = groups.v2("memory.max").or_else(|| groups.v1("memory", "memory.limit_in_bytes"))?;
    let used = groups.v2("memory.current").or_else(|| groups.v1("memory", "memory.usage_in_bytes"));
    let limit = match limit.parse::<u64>() {
        Ok(bytes) if bytes < V1_UNLIMITED => format!("at most {}", size(bytes)),
        _ => String::from("no limit"),
    };
    Some(match used.and_then(|used| used.parse().ok()) {
        Some(bytes) => format!("{limit}, {} in use", size(bytes)),
        None => limit,
    })
}

fn processor(groups: &Groups<'_>) -> Option<String> {
    let quota = match groups.v2("cpu.max") {
        Some(pair) => pair,
        None => {
            let quota = groups.v1("cpu", "cpu.cfs_quota_us")?;
            format!("{quota} {}", groups.v1("cpu", "cpu.cfs_period_us")?)
        }
    };
    let set = groups.v2("cpuset.cpus.effective").or_else(|| groups.v1("cpuset", "cpuset.cpus"));
    let share =
        cpus(&quota).map_or_else(|| String::from("no limit"), |cpus| format!("at most {cpus} processors"));
    Some(match set.filter(|set| !set.is_empty()) {
        Some(set) => format!("{share}, of number {set}"),
        None => share,
    })
}

/// `quota period` in microseconds, as a number of processors; `max` or -1 is no limit.
fn cpus(pair: &str) -> Option<String> {
    let (quota, period) = pair.split_once(' ')?;
    let (quota_us, period_us): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    let hundredths = quota_us.checked_mul(100)?.checked_div(period_us)?;
    Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
}

fn processes(groups: &Groups<'_>) -> Option<String> {
    let limit = groups.v2("pids.max").or_else(|| groups.v1("pids", "pids.max"))?;
    Some(if limit == "max" { String::from("no limit") } else { format!("at most {limit}") })
}

/// Bytes in the binary unit that leaves at least one whole one.
fn size(bytes: u64) -> String {
    let mut unit_shift = 0;
    let mut name = "B";
    for (shift, unit) in [(10, "KiB"), (20, "MiB"), (30, "GiB"), (40, "TiB")] {
        if bytes >> shift > 0 {
            (unit_shift, name) = (shift, unit);
        }
    }
    let tenths = (u128::from(bytes) * 10) >> unit_shift;
    if tenths % 10 == 0 {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_found_through_the_part_that_is_mounted() {
        let table = "1 2 0:3 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
                     1 2 0:4 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n";
        let mounts = mounts::parse(table);
        assert_eq!(directory(&mounts[0], "/docker/abc"), "/sys/fs/cgroup/memory");
        assert_eq!(directory(&mounts[0], "/docker/abc/inner"), "/sys/fs/cgroup/memory/inner");
        assert_eq!(directory(&mounts[0], "/"), "/sys/fs/cgroup/memory");
        assert_eq!(directory(&mounts[1], "/a/b"), "/sys/fs/cgroup/cpu/a/b");
        assert_eq!(directory(&mounts[1], "/"), "/sys/fs/cgroup/cpu");
        let groups =
            Groups { mounts: &mounts, membership: "4:memory:/docker/abc\n1:cpu,cpuacct:/a:b\n0::/v2\n" };
        assert_eq!(groups.place("memory"), Some("/docker/abc"));
        assert_eq!(groups.place("cpu"), Some("/a:b"));
        assert_eq!(groups.place(""), Some("/v2"));
    }

    #[test]
    fn sizes_and_shares_are_told_in_units_people_use() {
        assert_eq!(size(64 << 20), "64 MiB");
        assert_eq!(size(1_610_612_736), "1.5 GiB");
        assert_eq!(size(0), "0 B");
        assert_eq!(cpus("50000 100000").as_deref(), Some("0.50"));
        assert_eq!(cpus("max 100000"), None);
        assert_eq!(cpus("-1 100000"), None);
    }
}
