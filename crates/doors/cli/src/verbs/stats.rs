//! `stats`: what containers use, as a table that goes on.

use crate::args::{Arity, Typed, Verb, switch, text};
use crate::client::{Client, ListQuery};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::live::{Live, Next};
use crate::render::units::{bytes_size, short_size};
use crate::render::{Column, List, Row};
use clap::Command;
use docker_model::{ContainerStats, CpuStats, MemoryStats};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The verb.
pub(crate) static STATS: Verb = Verb {
    name: "stats",
    spellings: &["sampan container stats", "sampan stats"],
    usage: "[OPTIONS] [CONTAINER...]",
    about: "Display a live stream of container(s) resource usage statistics",
    define,
    refused: &[],
    arity: Arity::AtLeast(0),
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "Container", header: "CONTAINER" },
        Column { name: "ID", header: "CONTAINER ID" },
        Column { name: "Name", header: "NAME" },
        Column { name: "CPUPerc", header: "CPU %" },
        Column { name: "MemUsage", header: "MEM USAGE / LIMIT" },
        Column { name: "MemPerc", header: "MEM %" },
        Column { name: "NetIO", header: "NET I/O" },
        Column { name: "BlockIO", header: "BLOCK I/O" },
        Column { name: "PIDs", header: "PIDS" },
    ],
    default: &["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"],
    quiet: "ID",
};

/// Between two counts: what a processor did is a difference, and Docker counts once a second.
const INTERVAL: Duration = Duration::from_secs(1);

fn define(command: Command) -> Command {
    command
        .arg(switch("all", 'a', "Show all containers (default shows just running)"))
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(switch("no-stream", '\0', "Disable streaming stats and only pull the first result"))
        .arg(switch("no-trunc", '\0', "Do not truncate output"))
}

/// What each uses, by the name that it is shown with.
type Samples = BTreeMap<String, ContainerStats>;

/// Which containers are watched.
enum Watched<'a> {
    /// Those that were named; each must be there at the beginning.
    Named(Vec<&'a str>),
    /// Whichever there are, or run.
    Every { all: bool },
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let names = typed.arguments();
    let watched =
        if names.is_empty() { Watched::Every { all: typed.is_on("all") } } else { Watched::Named(names) };
    let client = context.client()?;
    let format = context.list_format(typed, |settings| &settings.stats_format);
    // A template that cannot be parsed is told before a second has passed.
    LIST.render(format, false, &[]).map_err(|error| Failure::of(&error))?;
    let whole = typed.is_on("no-trunc");
    let table = |before: &Samples, now: &Samples| {
        let rows: Vec<Row> =
            now.iter().map(|(shown, one)| row(shown, before.get(shown), one, whole)).collect();
        LIST.render(format, false, &rows).map_err(|error| Failure::of(&error))
    };
    let once = typed.is_on("no-stream");
    let mut before = watched.count(client, true)?;
    let live = if !once && Live::is_possible() { Some(Live::start()?) } else { None };
    let mut text = String::new();
    loop {
        match &live {
            Some(live) => {
                if let Some(code) = rested(live, &text)? {
                    return Ok(code);
                }
            }
            None => std::thread::sleep(INTERVAL),
        }
        let now = watched.count(client, false)?;
        text = table(&before, &now)?;
        live.as_ref().map_or_else(|| context.print(&text), |live| live.draw(&text))?;
        if once || (now.is_empty() && matches!(watched, Watched::Named(_))) {
            return Ok(0);
        }
        before = now;
    }
}

/// Waits between two counts; the exit code when the person has seen enough.
fn rested(live: &Live, text: &str) -> Result<Option<u8>, Failure> {
    let until = Instant::now() + INTERVAL;
    loop {
        match live.pause(until, text)? {
            Next::Count => return Ok(None),
            Next::End(code) => return Ok(Some(code)),
            Next::Key(_) => {}
        }
    }
}

impl Watched<'_> {
    /// Counts what each uses, by the name that it is shown with. One that has gone meanwhile is left out, except at the
    /// beginning, if it was named.
    fn count(&self, client: &dyn Client, first: bool) -> Result<Samples, Failure> {
        let names: Vec<String> = match self {
            Self::Named(names) => names.iter().map(|name| (*name).to_owned()).collect(),
            Self::Every { all } => {
                let filters = Filters::default();
                let query = ListQuery { all: *all, last: None, size: false, filters: &filters };
                client.list_containers(&query)?.into_iter().map(|one| one.id).collect()
            }
        };
        let mut samples = BTreeMap::new();
        let mut failures = Vec::new();
        for name in names {
            match client.stats(&name) {
                Ok(stats) => drop(samples.insert(name, stats)),
                Err(failure) => failures.push(failure.message),
            }
        }
        if first && matches!(self, Self::Named(_)) && !failures.is_empty() {
            return Err(Failure::new(failures.join("\nsampan: ")));
        }
        Ok(samples)
    }
}

fn row(shown: &str, before: Option<&ContainerStats>, now: &ContainerStats, whole: bool) -> Row {
    let id = if whole { now.id.as_str() } else { now.id.get(..12).unwrap_or(&now.id) };
    let shown = if shown == now.id { id } else { shown };
    let cpu = before.map_or(0.0, |before| cpu_percent(&before.cpu_stats, &now.cpu_stats));
    let (used, limit) = (used(&now.memory_stats), now.memory_stats.limit);
    let share = if limit > 0 { used as f64 / limit as f64 * 100.0 } else { 0.0 };
    let received: u64 = now.networks.values().map(|one| one.rx_bytes).sum();
    let sent: u64 = now.networks.values().map(|one| one.tx_bytes).sum();
    let io = |op: &str| -> u64 {
        let entries = now.blkio_stats.io_service_bytes_recursive.iter().flatten();
        entries.filter(|entry| entry.op.eq_ignore_ascii_case(op)).map(|entry| entry.value).sum()
    };
    Row::default()
        .with("Container", shown)
        .with("ID", id)
        .with("Name", now.name.trim_start_matches('/'))
        .with("CPUPerc", format!("{cpu:.2}%"))
        .with("MemUsage", format!("{} / {}", bytes_size(used), bytes_size(limit)))
        .with("MemPerc", format!("{share:.2}%"))
        .with("NetIO", format!("{} / {}", short_size(received), short_size(sent)))
        .with("BlockIO", format!("{} / {}", short_size(io("read")), short_size(io("write"))))
        .with("PIDs", now.pids_stats.current.to_string())
}

/// As Docker's command line has it: page cache that may go first is not counted.
fn used(memory: &MemoryStats) -> u64 {
    let cache = memory.stats.get("total_inactive_file").or_else(|| memory.stats.get("inactive_file"));
    let used = memory.usage.checked_sub(cache.copied().unwrap_or(0)).filter(|used| *used > 0);
    used.unwrap_or(memory.usage)
}

/// Of one processor, so that two busy ones are 200 %.
fn cpu_percent(before: &CpuStats, now: &CpuStats) -> f64 {
    let system = now.system_cpu_usage.saturating_sub(before.system_cpu_usage);
    let used = now.cpu_usage.total_usage.saturating_sub(before.cpu_usage.total_usage);
    // One that did not run before has been counted once.
    if system == 0 || before.system_cpu_usage == 0 {
        return 0.0;
    }
    used as f64 / system as f64 * f64::from(now.online_cpus) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_differences() {
        let at = |elapsed: u64, total_usage| CpuStats {
            cpu_usage: docker_model::CpuUsage { total_usage, ..docker_model::CpuUsage::default() },
            system_cpu_usage: elapsed * 4,
            online_cpus: 4,
            ..CpuStats::default()
        };
        assert!((cpu_percent(&at(1, 0), &at(2_000_000_001, 3_000_000_000)) - 150.0).abs() < 1e-9);
        assert!(cpu_percent(&at(5, 9), &at(5, 10)).abs() < 1e-9);
        // A restart in between begins to count anew, and what did not run was not counted.
        assert!(cpu_percent(&at(1, 100), &at(1_000_000_000, 5)).abs() < 1e-9);
        assert!(cpu_percent(&CpuStats::default(), &at(1_000_000_000, 5)).abs() < 1e-9);
    }
}
