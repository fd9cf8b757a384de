//! `top` without a container: the processes of all, by what they use; on a terminal a view that goes on.

use crate::context::Context;
use crate::failure::Failure;
use crate::live::{Live, Next, header, plain};
use crate::render::units::bytes_size;
use crate::render::width::width;
use crate::users::user_name;
use engine::{Engine, ListFilter, ProcessInfo};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What a processor does is a difference: first over this time, then over the other.
const FIRST: Duration = Duration::from_millis(200);
const INTERVAL: Duration = Duration::from_secs(1);
const TITLES: [&str; 7] = ["CONTAINER", "PID", "USER", "CPU %", "MEM", "TIME", "COMMAND"];
/// Columns of numbers, which end at one edge.
const TO_THE_RIGHT: [usize; 4] = [1, 3, 4, 5];
const GAP: &str = "  ";

/// One process.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    container: String,
    process: ProcessInfo,
    /// Of one processor.
    cpu: f64,
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Processor,
    Memory,
}

/// When, and all processes then.
struct Count {
    at: Instant,
    processes: Vec<(String, ProcessInfo)>,
}

pub(super) fn run(context: &Context) -> Result<u8, Failure> {
    let engine = context.engine()?;
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if !Live::is_possible() {
        let before = Count::now(engine)?;
        std::thread::sleep(FIRST);
        let shown = between(&before, &Count::now(engine)?);
        return context.print(&table(shown, Order::Processor, &users)).map(|()| 0);
    }
    let live = Live::start()?;
    let (mut before, mut interval, mut order) = (Count::now(engine)?, FIRST, Order::Processor);
    let (mut shown, mut text) = (Vec::new(), String::new());
    loop {
        let until = before.at + interval;
        match live.pause(until, &text)? {
            Next::End(code) => return Ok(code),
            Next::Key(b'm' | b'M') => order = Order::Memory,
            Next::Key(b'c' | b'C' | b'P') => order = Order::Processor,
            Next::Key(_) => continue,
            Next::Count => {
                let now = Count::now(engine)?;
                shown = between(&before, &now);
                (before, interval) = (now, INTERVAL);
            }
        }
        text = picture(&shown, order, &users);
        live.draw(&text)?;
    }
}

impl Count {
    fn now(engine: &Engine) -> Result<Self, Failure> {
        let at = Instant::now();
        let views = engine.list(ListFilter { all: false }).map_err(|error| Failure::of(&error))?;
        let mut processes = Vec::new();
        for view in views {
            // One that has ended meanwhile has no processes.
            let of_view = engine.processes(view.id.as_str()).unwrap_or_default();
            processes.extend(of_view.into_iter().map(|process| (view.name.to_string(), process)));
        }
        Ok(Self { at, processes })
    }
}

/// What each did between two counts; one that is new did all it has ever done.
fn between(before: &Count, now: &Count) -> Vec<Shown> {
    let known: HashMap<i32, &ProcessInfo> =
        before.processes.iter().map(|(_, process)| (process.pid, process)).collect();
    let elapsed = now.at.duration_since(before.at).as_secs_f64() * 1000.0;
    let used = |process: &ProcessInfo| {
        // A number that came back is another process, and younger.
        let before = known.get(&process.pid).filter(|before| before.cpu_ms <= process.cpu_ms);
        process.cpu_ms - before.map_or(0, |before| before.cpu_ms)
    };
    let share =
        |process: &ProcessInfo| if elapsed > 0.0 { used(process) as f64 / elapsed * 100.0 } else { 0.0 };
    let processes = now.processes.iter();
    processes
        .map(|(container, process)| Shown {
            container: container.clone(),
            cpu: share(process),
            process: process.clone(),
        })
        .collect()
}

/// The whole screen: a line of sums, and the table.
fn picture(shown: &[Shown], order: Order, users: &str) -> String {
    let mut containers: Vec<&str> = shown.iter().map(|one| one.container.as_str()).collect();
    containers.sort_unstable();
    containers.dedup();
    let cpu: f64 = shown.iter().map(|one| one.cpu).sum();
    let sums = format!(
        "{} containers, {} processes, CPU {cpu:.1} %    q ends; c, m: by CPU, by memory\n\n",
        containers.len(),
        shown.len()
    );
    let table = table(shown.to_vec(), order, users);
    let (titles, rows) = table.split_once('\n').unwrap_or((&table, ""));
    format!("{sums}{}\n{rows}", header(titles))
}

fn table(mut shown: Vec<Shown>, order: Order, users: &str) -> String {
    shown.sort_by(|one, other| {
        let by_cpu = other.cpu.total_cmp(&one.cpu);
        let by_memory = other.process.resident.cmp(&one.process.resident);
        let first = match order {
            Order::Processor => by_cpu.then(by_memory),
            Order::Memory => by_memory.then(by_cpu),
        };
        first.then(one.process.pid.cmp(&other.process.pid))
    });
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(shown.iter().map(|one| cells(one, users)));
    let widths: Vec<usize> =
        (0..TITLES.len()).map(|at| rows.iter().map(|row| width(&row[at])).max().unwrap_or(0)).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String; 7], widths: &[usize]) -> String {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(at, (cell, wanted))| {
            let blanks = " ".repeat(wanted - width(cell));
            if TO_THE_RIGHT.contains(&at) { format!("{blanks}{cell}") } else { format!("{cell}{blanks}") }
        })
        .collect();
    cells.join(GAP).trim_end().to_owned() + "\n"
}

fn cells(one: &Shown, users: &str) -> [String; 7] {
    let seconds = one.process.cpu_seconds;
    [
        one.container.clone(),
        one.process.pid.to_string(),
        user_name(one.process.uid, users),
        format!("{:.1}", one.cpu),
        bytes_size(one.process.resident),
        format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        plain(&one.process.command),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, cpu_ms: u64, resident: u64) -> ProcessInfo {
        ProcessInfo {
            pid,
            parent: 1,
            uid: 0,
            cpu_seconds: cpu_ms / 1000,
            cpu_ms,
            resident,
            age_seconds: 10,
            terminal: None,
            command: "a\nb".into(),
        }
    }

    #[test]
    fn processors_are_differences_and_order_the_table() {
        let at = Instant::now();
        let count = |after: u64, processes: &[ProcessInfo]| Count {
            at: at + Duration::from_millis(after),
            processes: processes.iter().map(|one| ("web".to_owned(), one.clone())).collect(),
        };
        let before = count(0, &[process(7, 1000, 4096), process(8, 9000, 8192)]);
        let now = count(1000, &[process(7, 1500, 4096), process(8, 100, 8192), process(9, 50, 1)]);
        let shown = between(&before, &now);
        assert_eq!(shown.iter().map(|one| one.cpu.round() as u32).collect::<Vec<_>>(), [50, 10, 5]);
        let text = table(shown.clone(), Order::Processor, "root:x:0:0::/:\n");
        assert_eq!(
            text,
            "CONTAINER  PID  USER  CPU %   MEM     TIME  COMMAND\n\
             web          7  root   50.0  4KiB  0:00:01  a·b\n\
             web          8  root   10.0  8KiB  0:00:00  a·b\n\
             web          9  root    5.0    1B  0:00:00  a·b\n"
        );
        assert!(
            table(shown.clone(), Order::Memory, "").lines().nth(1).is_some_and(|line| line.contains(" 8 "))
        );
        assert!(picture(&shown, Order::Memory, "").starts_with("1 containers, 3 processes, CPU 65.0 %"));
    }
}
