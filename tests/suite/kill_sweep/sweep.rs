//! All points of an operation, or a sample, and the report.

use super::strike::{record, strike};
use super::{Bench, Operation};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::{Duration, Instant};
use tests::strace::{Point, Role};
use tests::{Sampan, paths, report};

/// One of so many points is in a sample.
const SAMPLE_STEP: usize = 12;
/// A sample stops after this time, wherever it is.
const SAMPLE_TIME: Duration = Duration::from_secs(15);

/// So many failures say enough.
const FAILURES_MAX: usize = 20;

/// How much is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Some points, others with each commit.
    Sample,
    /// Every point.
    All,
}

/// Sweeps over `operation`.
pub(super) fn sweep(sampan: &Sampan, operation: &Operation, extent: Extent) {
    let bench = Bench::new(sampan, operation);
    println!("{}: {}", operation.name, bench.summary());
    let started = Instant::now();
    let (mut tried, mut missed, mut failures) = (0, 0, Vec::new());
    let mut by_role: HashMap<Role, usize> = HashMap::new();
    for (role, point) in chosen(plan(&bench, operation), extent) {
        let out_of_time = extent == Extent::Sample && started.elapsed() > SAMPLE_TIME;
        if out_of_time || failures.len() >= FAILURES_MAX {
            break;
        }
        tried += 1;
        *by_role.entry(role).or_insert(0) += 1;
        match catch_unwind(AssertUnwindSafe(|| attempt(&bench, operation, role, &point))) {
            Ok(true) => {}
            Ok(false) => {
                missed += 1;
                println!("{}: {point} of {} was not reached", operation.name, role.as_str());
            }
            Err(panic) => {
                failures.push(format!("{} killed at {point}: {}", role.as_str(), text_of(&*panic)));
                bench.start_over();
            }
        }
    }
    let of_role = |role: &Role| format!("{} of {}", by_role.get(role).unwrap_or(&0), role.as_str());
    report::note(
        if extent == Extent::All { "kill sweep" } else { "kill sweep, a sample" },
        &format!(
            "{}: {tried} points tried ({}), {} failed, {missed} not reached, {:.0} s",
            operation.name,
            operation.roles.iter().map(of_role).collect::<Vec<_>>().join(", "),
            failures.len(),
            started.elapsed().as_secs_f64()
        ),
    );
    assert!(failures.is_empty(), "{} of {tried} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(tried > 0 && missed * 4 <= tried, "{missed} of {tried} points were not reached");
}

/// Every point of every role.
fn plan(bench: &Bench, operation: &Operation) -> Vec<(Role, Point)> {
    let mut all = Vec::new();
    for role in operation.roles {
        (operation.prepare)(bench);
        let points = record(bench, operation, *role);
        println!("{}: {} points of {}", operation.name, points.len(), role.as_str());
        assert!(points.len() > 1, "strace recorded next to nothing");
        all.extend(points.into_iter().map(|point| (*role, point)));
        bench.start_over();
    }
    all
}

/// Whether the point was reached; panics where something is not as it should be.
fn attempt(bench: &Bench, operation: &Operation, role: Role, point: &Point) -> bool {
    (operation.prepare)(bench);
    let ended = strike(bench, operation, role, point);
    bench.require_usable();
    (operation.judge)(bench, &ended);
    bench.repair_unless_next(operation, role);
    (operation.tidy)(bench, &ended);
    bench.require_as_before();
    ended.reached
}

/// The sample: every so many-th point, beginning where the commit says, in an order that the commit says too, so that
/// what the time does not suffice for is not always the same.
fn chosen(all: Vec<(Role, Point)>, extent: Extent) -> Vec<(Role, Point)> {
    if extent == Extent::All {
        return all;
    }
    let seed = seed();
    let offset = usize::try_from(seed % SAMPLE_STEP as u64).unwrap();
    let mut sample: Vec<_> = all.into_iter().skip(offset).step_by(SAMPLE_STEP).collect();
    let turn = usize::try_from(seed >> 32).unwrap() % sample.len().max(1);
    sample.rotate_left(turn);
    println!("a sample of {} points, seed {seed:x}", sample.len());
    sample
}

/// From the commit; the same one always where there is no repository.
fn seed() -> u64 {
    let head = Command::new("git").arg("-C").arg(paths::repository()).args(["rev-parse", "HEAD"]).output();
    let text = head.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.get(..16).and_then(|start| u64::from_str_radix(start, 16).ok()).unwrap_or(0)
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    String::from(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked"))
}
