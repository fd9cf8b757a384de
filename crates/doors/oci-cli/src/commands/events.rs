//! `events`: what a container uses, and when it runs out of memory, as runc tells it (its `types/events.go`).

use super::Context;
use crate::arguments::EventsOptions;
use crate::error::CliError;
use crate::store::Status;
use crate::{groups, process};
use cgroup::{Counter, Details, Group, OomWatch, Pressure, Stall, Stats};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

pub(super) fn events(context: &Context<'_>, options: &EventsOptions) -> Result<(), CliError> {
    let container = context.store.open(&options.id)?;
    let record = container.created_record()?;
    let status = container.status(Some(&record));
    if status == Status::Stopped {
        return Err(CliError::NotRunning { id: options.id.as_str().to_owned() });
    }
    let group = groups::open(record.cgroup.as_ref())?.ok_or_else(|| CliError::Unsupported {
        what: "counting for a container without a cgroup".to_owned(),
    })?;
    let teller = Teller { id: options.id.as_str(), group: &group };
    if options.stats {
        return teller.tell_stats();
    }
    let process = match process::open(record.pid, record.start_time) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok(()),
        Err(errno) => return Err(CliError::process("open the process")(errno)),
    };
    teller.follow(process.as_fd(), options.interval)
}

struct Teller<'a> {
    id: &'a str,
    group: &'a Group,
}

impl Teller<'_> {
    /// Tells at intervals, and at once when memory ran out, until the container's process ends.
    fn follow(&self, process: BorrowedFd<'_>, interval: Duration) -> Result<(), CliError> {
        let mut watch = self.group.oom_events()?;
        let mut seen = self.group.oom_kills()?;
        let mut next = Instant::now() + interval;
        loop {
            let left = next.saturating_duration_since(Instant::now());
            let woken = wait(process, watch.as_ref(), left).map_err(CliError::process("wait for events"))?;
            if let (true, Some(watch)) = (woken.signalled, &mut watch) {
                watch.clear();
            }
            // The kernel signals other things as well, and a kill possibly before it counts it.
            let kills = watch.as_mut().and_then(|watch| watch.count().ok()).unwrap_or(seen);
            if kills > seen {
                seen = kills;
                self.tell(&json!({ "type": "oom", "id": self.id }));
            }
            if woken.ended {
                return Ok(());
            }
            if Instant::now() >= next {
                next += interval;
                self.tell_stats()?;
            }
        }
    }

    fn tell_stats(&self) -> Result<(), CliError> {
        let data = document(&self.group.stats()?, &self.group.details()?);
        self.tell(&json!({ "type": "stats", "id": self.id, "data": data }));
        Ok(())
    }

    /// One line; a reader that has gone away is no failure.
    fn tell(&self, event: &Value) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{event}").and_then(|()| out.flush());
    }
}

/// What happened while waiting; nothing, when the time was over.
struct Woken {
    ended: bool,
    signalled: bool,
}

fn wait(process: BorrowedFd<'_>, watch: Option<&OomWatch>, left: Duration) -> rustix::io::Result<Woken> {
    let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
    let mut fds = vec![PollFd::new(&process, PollFlags::IN)];
    if let Some(watch) = watch {
        let readiness = u16::try_from(watch.readiness().bits()).unwrap_or_default();
        fds.push(PollFd::new(watch, PollFlags::from_bits_retain(readiness)));
    }
    match poll(&mut fds, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(other) => return Err(other),
    }
    let woken = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
    Ok(Woken { ended: woken(0), signalled: woken(1) })
}

/// The `data` of a `stats` event.
fn document(stats: &Stats, details: &Details) -> Value {
    let cpu = &stats.cpu;
    let mut document = json!({
        "cpu": {
            "usage": {
                "total": cpu.total, "percpu": details.per_cpu, "kernel": cpu.system, "user": cpu.user
            },
            "throttling": {
                "periods": cpu.throttling.periods,
                "throttledPeriods": cpu.throttling.throttled_periods,
                "throttledTime": cpu.throttling.throttled_time
            }
        },
        "cpuset": { "cpus": numbers(&details.cpus), "mems": numbers(&details.mems) },
        "memory": memory(stats, details),
        "pids": stats.pids.map_or_else(
            || json!({}),
            |pids| json!({ "current": pids.current, "limit": pids.limit.unwrap_or(0) })
        ),
        "blkio": block_io(stats),
        "hugetlb": details
            .huge_pages
            .iter()
            .map(|(size, counter)| {
                let entry = json!({ "usage": counter.usage, "max": counter.max, "failcnt": counter.failures });
                (size.clone(), entry)
            })
            .collect::<Map<_, _>>(),
        "intel_rdt": {},
        "network_interfaces": null
    });
    for (name, place) in [("cpu", "cpu"), ("memory", "memory"), ("io", "blkio")] {
        if let Some(pressure) = details.pressure.get(name) {
            document[place]["psi"] = stalls(*pressure);
        }
    }
    document
}

fn memory(stats: &Stats, details: &Details) -> Value {
    let Some(memory) = &stats.memory else { return json!({}) };
    let entry = |counter: Option<Counter>| {
        let counter = counter.unwrap_or_default();
        json!({
            "limit": counter.limit, "usage": counter.usage, "max": counter.max, "failcnt": counter.failures
        })
    };
    let usage = Counter {
        usage: memory.usage,
        max: memory.max_usage.unwrap_or(0),
        limit: memory.limit.unwrap_or(u64::MAX),
        failures: memory.failures,
    };
    json!({
        "cache": memory.cache,
        "usage": entry(Some(usage)),
        "swap": entry(details.memory_and_swap),
        "kernel": entry(details.kernel),
        "kernelTCP": entry(details.kernel_tcp),
        "raw": memory.detail
    })
}

fn block_io(stats: &Stats) -> Value {
    let entries = |read: fn(&cgroup::BlockDevice) -> u64, write: fn(&cgroup::BlockDevice) -> u64| {
        let of_device = |device: &cgroup::BlockDevice| {
            let entry = |operation: &str, value: u64| json!({ "major": device.major, "minor": device.minor, "op": operation, "value": value });
            [entry("Read", read(device)), entry("Write", write(device))]
        };
        stats.block_io.iter().flat_map(of_device).collect::<Vec<_>>()
    };
    json!({
        "ioServiceBytesRecursive": entries(|device| device.read_bytes, |device| device.write_bytes),
        "ioServicedRecursive": entries(|device| device.read_operations, |device| device.write_operations)
    })
}

fn stalls(pressure: Pressure) -> Value {
    let one = |stall: Stall| {
        json!({
            "avg10": stall.avg10, "avg60": stall.avg60, "avg300": stall.avg300, "total": stall.total
        })
    };
    json!({ "some": one(pressure.some), "full": one(pressure.full) })
}

/// The numbers of a list such as `0-2,7`.
fn numbers(list: &str) -> Vec<u16> {
    let ranges = list.split(',').filter_map(|range| {
        let (first, last) = range.trim().split_once('-').unwrap_or((range.trim(), range.trim()));
        Some(first.parse::<u16>().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cgroup::{BlockDevice, MemoryStats, PidsStats};

    #[test]
    fn the_document_has_runc_s_names() {
        let stats = Stats {
            memory: Some(MemoryStats { usage: 5, limit: Some(9), ..MemoryStats::default() }),
            pids: Some(PidsStats { current: 2, limit: None }),
            block_io: vec![BlockDevice { major: 8, read_bytes: 512, ..BlockDevice::default() }],
            ..Stats::default()
        };
        let details = Details { cpus: "0-1,3".into(), ..Details::default() };
        let document = document(&stats, &details);
        assert_eq!(document["memory"]["usage"]["limit"], 9);
        assert_eq!(document["pids"], json!({ "current": 2, "limit": 0 }));
        assert_eq!(document["cpuset"]["cpus"], json!([0, 1, 3]));
        let read = &document["blkio"]["ioServiceBytesRecursive"][0];
        assert_eq!(*read, json!({ "major": 8, "minor": 0, "op": "Read", "value": 512 }));
    }
}
