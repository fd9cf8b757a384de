//! `bench`: ours beside the peers that are installed, in one interleaved run on one machine.
//!
//! Every contender runs the same image (busybox alone) with Docker's default security and log, warm, and a sample ends
//! when the container is removed. The figures are only worth as ratios within one run. Raw samples go to
//! `docs/results/bench.json`, the table to `docs/benchmarks.md`.

mod bare;
mod contender;
mod report;
mod scene;

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use contender::Contender;
use scene::Scene;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// What is measured: a name, and the command line of each contender for it.
pub(super) struct Operation {
    /// As in the report.
    pub(super) name: &'static str,
    /// Arguments after the contender's own; `IMAGE` and `CONTAINER` are replaced.
    arguments: &'static [&'static str],
}

const OPERATIONS: [Operation; 4] = [
    Operation {
        name: "run --rm /bin/true, no network",
        arguments: &["run", "--rm", "--network", "none", "IMAGE", "/bin/true"],
    },
    Operation { name: "run --rm /bin/true, bridge", arguments: &["run", "--rm", "IMAGE", "/bin/true"] },
    Operation { name: "exec /bin/true", arguments: &["exec", "CONTAINER", "/bin/true"] },
    Operation { name: "ps", arguments: &["ps"] },
];

/// Samples in milliseconds by operation and contender.
pub(super) type Samples = BTreeMap<&'static str, BTreeMap<String, Vec<f64>>>;

/// How it is measured.
pub(crate) struct Options {
    /// Samples of each operation and contender.
    pub(crate) rounds: usize,
    /// What `scripts/peers` unpacked; the installed peers otherwise.
    pub(crate) peers: Option<PathBuf>,
}

/// Measures and writes the report.
///
/// # Errors
/// When ours cannot be run; a peer that is missing or does not start is left out and named.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let scene = Scene::prepare(workspace, options.peers.as_deref())?;
    let (contenders, missing) = contender::all(&scene)?;
    let mut samples = Samples::new();
    for operation in &OPERATIONS {
        println!("bench: {}", operation.name);
        for round in 0..options.rounds + WARM_UP {
            // Nobody always comes after the same other.
            let order = (0..contenders.len()).map(|place| &contenders[(place + round) % contenders.len()]);
            for contender in order {
                let milliseconds = sample(contender, operation)
                    .with_context(|| format!("{} failed at {}", contender.name, operation.name))?;
                if round >= WARM_UP {
                    let of_operation = samples.entry(operation.name).or_default();
                    of_operation.entry(contender.name.clone()).or_default().push(milliseconds);
                }
            }
        }
    }
    for contender in contenders {
        contender.finish();
    }
    report::write(workspace, &report::ENGINES, &samples, &missing, options.rounds)
}

/// Measures the bare runtimes and writes their report.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_oci(workspace: &Workspace, options: &Options) -> Result<()> {
    let (samples, missing) = bare::measure(workspace, options)?;
    report::write(workspace, &report::RUNTIMES, &samples, &missing, options.rounds)
}

/// Rounds before the first that counts.
const WARM_UP: usize = 2;

fn sample(contender: &Contender, operation: &Operation) -> Result<f64> {
    let mut command = contender.command(operation.arguments);
    let begun = Instant::now();
    crate::workspace::output(&mut command)?;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}
