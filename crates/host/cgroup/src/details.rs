//! Counters beyond [`crate::Stats`], which only the OCI command line's `events` shows.

use crate::directory::Directory;
use crate::hierarchy::Version;
use crate::{CgroupError, Controller, Group, parse};
use std::collections::BTreeMap;

/// Counters of one moment; what this machine does not count is empty or absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// Nanoseconds on each processor, of v1 alone.
    pub per_cpu: Vec<u64>,
    /// The processors in force, as a list such as `0-3`.
    pub cpus: String,
    /// The memory nodes in force, as a list.
    pub mems: String,
    /// Memory and swap together.
    pub memory_and_swap: Option<Counter>,
    /// Memory of the kernel's, of v1 alone.
    pub kernel: Option<Counter>,
    /// Buffers of TCP, of v1 alone.
    pub kernel_tcp: Option<Counter>,
    /// By page size, such as `2MB`.
    pub huge_pages: BTreeMap<String, Counter>,
    /// Stall times of `cpu`, `memory` and `io`, of v2 alone.
    pub pressure: BTreeMap<&'static str, Pressure>,
}

/// A counted quantity in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counter {
    /// Now.
    pub usage: u64,
    /// The most so far; 0 where the kernel does not keep it.
    pub max: u64,
    /// The limit; the largest number where there is none.
    pub limit: u64,
    /// How often the limit was met.
    pub failures: u64,
}

/// Pressure stall information (Documentation/accounting/psi.rst).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressure {
    /// Some task waited.
    pub some: Stall,
    /// All tasks waited.
    pub full: Stall,
}

/// Shares of time in percent, and microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stall {
    /// Of the last 10 seconds.
    pub avg10: f64,
    /// Of the last minute.
    pub avg60: f64,
    /// Of the last 5 minutes.
    pub avg300: f64,
    /// Since the group was made, in microseconds.
    pub total: u64,
}

impl Group {
    /// Reads the counters that [`Group::stats`] leaves out.
    ///
    /// # Errors
    /// As [`Group::stats`].
    pub fn details(&self) -> Result<Details, CgroupError> {
        let mut details = Details::default();
        if let Some(accounting) = self.directory(Controller::Cpuacct) {
            let text = accounting.read_if_there("cpuacct.usage_percpu")?.unwrap_or_default();
            details.per_cpu = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        }
        if let Some(cpuset) = self.directory(Controller::Cpuset) {
            let list = |file: &str| Ok::<_, CgroupError>(cpuset.read_if_there(file)?.unwrap_or_default());
            let (cpus, mems) = match cpuset.version {
                Version::V1 => ("cpuset.cpus", "cpuset.mems"),
                Version::V2 => ("cpuset.cpus.effective", "cpuset.mems.effective"),
            };
            details.cpus = list(cpus)?.trim().to_owned();
            details.mems = list(mems)?.trim().to_owned();
        }
        if let Some(memory) = self.directory(Controller::Memory) {
            details.memory_and_swap = memory_and_swap(memory)?;
            details.kernel = counter_v1(memory, "memory.kmem")?;
            details.kernel_tcp = counter_v1(memory, "memory.kmem.tcp")?;
        }
        if let Some(huge) = self.directory(Controller::Hugetlb) {
            details.huge_pages = huge_pages(huge)?;
        }
        if let Some(unified) = self.unified() {
            for (name, file) in
                [("cpu", "cpu.pressure"), ("memory", "memory.pressure"), ("io", "io.pressure")]
            {
                // Kernels can be built or booted without it, and then refuse to read the file.
                if let Ok(Some(text)) = unified.read_if_there(file) {
                    details.pressure.insert(name, pressure(&text));
                }
            }
        }
        Ok(details)
    }
}

/// The four files of a v1 counter; `None` where there are none.
fn counter_v1(directory: &Directory, prefix: &str) -> Result<Option<Counter>, CgroupError> {
    if directory.version == Version::V2 {
        return Ok(None);
    }
    let number = |name: &str| directory.number_if_there(&format!("{prefix}.{name}"));
    let Some(usage) = number("usage_in_bytes")? else { return Ok(None) };
    Ok(Some(Counter {
        usage,
        max: number("max_usage_in_bytes")?.unwrap_or(0),
        limit: number("limit_in_bytes")?.unwrap_or(u64::MAX),
        failures: number("failcnt")?.unwrap_or(0),
    }))
}

/// v1 counts both as one; of v2 they are added up.
fn memory_and_swap(directory: &Directory) -> Result<Option<Counter>, CgroupError> {
    if directory.version == Version::V1 {
        return counter_v1(directory, "memory.memsw");
    }
    let number = |file| directory.number_if_there(file);
    let Some(swap) = number("memory.swap.current")? else { return Ok(None) };
    let both = |one: Option<u64>, other: Option<u64>| one.unwrap_or(0).saturating_add(other.unwrap_or(0));
    let events = directory.read_if_there("memory.swap.events")?.unwrap_or_default();
    Ok(Some(Counter {
        usage: both(Some(swap), number("memory.current")?),
        max: both(number("memory.swap.peak")?, number("memory.peak")?),
        limit: both(number("memory.swap.max")?, number("memory.max")?),
        failures: parse::flat_value(&events, "fail").unwrap_or(0),
    }))
}

/// The sizes that the kernel has are those with a file.
fn huge_pages(directory: &Directory) -> Result<BTreeMap<String, Counter>, CgroupError> {
    let mut found = BTreeMap::new();
    for size in ["64KB", "1MB", "2MB", "16MB", "32MB", "512MB", "1GB", "2GB", "16GB"] {
        let counter = match directory.version {
            Version::V1 => counter_v1(directory, &format!("hugetlb.{size}"))?,
            Version::V2 => huge_page_v2(directory, size)?,
        };
        found.extend(counter.map(|counter| (size.to_owned(), counter)));
    }
    Ok(found)
}

fn huge_page_v2(directory: &Directory, size: &str) -> Result<Option<Counter>, CgroupError> {
    let Some(usage) = directory.number_if_there(&format!("hugetlb.{size}.current"))? else { return Ok(None) };
    let events = directory.read_if_there(&format!("hugetlb.{size}.events"))?.unwrap_or_default();
    Ok(Some(Counter {
        usage,
        max: 0,
        limit: directory.number_if_there(&format!("hugetlb.{size}.max"))?.unwrap_or(u64::MAX),
        failures: parse::flat_value(&events, "max").unwrap_or(0),
    }))
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and the same with `full`.
fn pressure(text: &str) -> Pressure {
    let mut pressure = Pressure::default();
    for line in text.lines() {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let value = |key: &str| rest.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let share = |key| value(key).and_then(|text| text.parse().ok()).unwrap_or(0.0);
        let stall = Stall {
            avg10: share("avg10"),
            avg60: share("avg60"),
            avg300: share("avg300"),
            total: value("total").and_then(|text| text.parse().ok()).unwrap_or(0),
        };
        match kind {
            "some" => pressure.some = stall,
            "full" => pressure.full = stall,
            _ => {}
        }
    }
    pressure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_two_lines_of_pairs() {
        let text = "some avg10=1.50 avg60=0.25 avg300=0.00 total=1234\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=7\n";
        let found = pressure(text);
        assert_eq!((found.some.avg10, found.some.avg60, found.some.total), (1.5, 0.25, 1234));
        assert_eq!((found.full.avg10, found.full.total), (0.1, 7));
        assert_eq!(pressure("nonsense"), Pressure::default());
    }
}
