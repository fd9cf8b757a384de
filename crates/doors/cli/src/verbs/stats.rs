//! `stats`: what containers use, as a table that goes on.

use crate::args::{Arity, Typed, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::live::{Live, Next};
use crate::render::units::{bytes_size, short_size};
use crate::render::{Column, List, Row};
use clap::Command;
use engine::{ContainerSample, Engine, ListFilter, Sample};
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
type Samples = BTreeMap<String, ContainerSample>;

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
    let engine = context.engine()?;
    let memory = engine.host_memory().map_err(|error| Failure::of(&error))?;
    let format = context.list_format(typed, |settings| &settings.stats_format);
    // A template that cannot be parsed is told before a second has passed.
    LIST.render(format, false, &[]).map_err(|error| Failure::of(&error))?;
    let whole = typed.is_on("no-trunc");
    let table = |before: &Samples, now: &Samples| {
        let rows: Vec<Row> =
            now.iter().map(|(shown, one)| row(shown, before.get(shown), one, memory, whole)).collect();
        LIST.render(format, false, &rows).map_err(|error| Failure::of(&error))
    };
    let once = typed.is_on("no-stream");
    let mut before = watched.count(engine, true)?;
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
        let now = watched.count(engine, false)?;
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
    fn count(&self, engine: &Engine, first: bool) -> Result<Samples, Failure> {
        let names: Vec<String> = match self {
            Self::Named(names) => names.iter().map(|name| (*name).to_owned()).collect(),
            Self::Every { all } => {
                let views = engine.list(ListFilter { all: *all }).map_err(|error| Failure::of(&error))?;
                views.iter().map(|view| view.id.to_string()).collect()
            }
        };
        let mut samples = BTreeMap::new();
        let mut failures = Vec::new();
        for name in names {
            match engine.sample(&name) {
                Ok(sample) => drop(samples.insert(name, sample)),
                Err(error) => failures.push(Failure::of(&error).message),
            }
        }
        if first && matches!(self, Self::Named(_)) && !failures.is_empty() {
            return Err(Failure::new(failures.join("\nsampan: ")));
        }
        Ok(samples)
    }
}

fn row(
    shown: &str,
    before: Option<&ContainerSample>,
    now: &ContainerSample,
    host_memory: u64,
    whole: bool,
) -> Row {
    let id = if whole { now.id.as_str() } else { now.id.short() };
    let shown = if shown == now.id.as_str() { id } else { shown };
    let nothing = Sample::default();
    let sample = now.sample.as_ref().unwrap_or(&nothing);
    let cpu =
        before.and_then(|before| before.sample.as_ref()).map_or(0.0, |before| cpu_percent(before, sample));
    let (used, limit) = match (&now.sample, &sample.cgroup.memory) {
        (Some(_), Some(memory)) => {
            // As Docker's command line has it: page cache that may go first is not counted.
            let used = memory.usage.checked_sub(memory.inactive_file).filter(|used| *used > 0);
            (used.unwrap_or(memory.usage), memory.limit.map_or(host_memory, |limit| limit.min(host_memory)))
        }
        _ => (0, 0),
    };
    let share = if limit > 0 { used as f64 / limit as f64 * 100.0 } else { 0.0 };
    let sum = |count: fn(&engine::Interface) -> u64| sample.interfaces.iter().map(count).sum::<u64>();
    let (read, written) = sample
        .cgroup
        .block_io
        .iter()
        .fold((0, 0), |(read, written), device| (read + device.read_bytes, written + device.write_bytes));
    Row::default()
        .with("Container", shown)
        .with("ID", id)
        .with("Name", now.name.as_str())
        .with("CPUPerc", format!("{cpu:.2}%"))
        .with("MemUsage", format!("{} / {}", bytes_size(used), bytes_size(limit)))
        .with("MemPerc", format!("{share:.2}%"))
        .with(
            "NetIO",
            format!("{} / {}", short_size(sum(|one| one.rx_bytes)), short_size(sum(|one| one.tx_bytes))),
        )
        .with("BlockIO", format!("{} / {}", short_size(read), short_size(written)))
        .with("PIDs", sample.cgroup.pids.map_or(0, |pids| pids.current).to_string())
}

/// Of one processor, so that two busy ones are 200 %.
fn cpu_percent(before: &Sample, now: &Sample) -> f64 {
    let elapsed = now.taken_ns.saturating_sub(before.taken_ns);
    let used = now.cgroup.cpu.total.saturating_sub(before.cgroup.cpu.total);
    if elapsed == 0 { 0.0 } else { used as f64 / elapsed as f64 * 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_differences() {
        let at = |taken_ns, total| {
            let mut sample = Sample { taken_ns, ..Sample::default() };
            sample.cgroup.cpu.total = total;
            sample
        };
        assert!((cpu_percent(&at(0, 0), &at(2_000_000_000, 3_000_000_000)) - 150.0).abs() < 1e-9);
        assert!(cpu_percent(&at(5, 9), &at(5, 10)).abs() < 1e-9);
        // A restart in between begins to count anew.
        assert!(cpu_percent(&at(0, 100), &at(1_000_000_000, 5)).abs() < 1e-9);
    }
}
