//! From samples to a table.

use super::Samples;
use crate::commit::Commit;
use crate::workspace::{Workspace, output};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// The middle sample.
fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// What a report is called, where it goes, and what is measured in it.
pub(super) struct Subject {
    title: &'static str,
    page: &'static str,
    raw: &'static str,
    command: &'static str,
    method: &'static str,
}

/// Whole engines.
pub(super) const ENGINES: Subject = Subject {
    title: "Benchmarks",
    page: "benchmarks.md",
    raw: "results/bench.json",
    command: "cargo xtask bench",
    method: "Same image (busybox alone), Docker's default security and log on every side, warm, interleaved, each \
             sample\nuntil the container is removed.",
};

/// Bare OCI runtimes.
pub(super) const RUNTIMES: Subject = Subject {
    title: "Benchmarks of the OCI runtime",
    page: "benchmarks-oci.md",
    raw: "results/bench-oci.json",
    command: "cargo xtask bench oci",
    method: "Same bundle (busybox alone, the example of `spec`: six namespaces, masked paths, cgroups), warm, \
             interleaved,\nfrom calling the runtime until it returns.",
};

/// How to measure against others than the installed peers.
const PEERS: &str = "`scripts/peers DIRECTORY` unpacks newer peers than the distribution's, beside the system; with `--peers DIRECTORY` (or\n\
                     `SAMPAN_PEERS`) those are measured. `--rounds` is 20 unless said otherwise; fewer are printed and not kept.";

/// Fewer say too little to be kept.
const ROUNDS_MIN: usize = 20;

/// Prints the page and, unless it is only a trial, writes it and the raw samples.
pub(super) fn write(
    workspace: &Workspace,
    subject: &Subject,
    samples: &Samples,
    missing: &[String],
    rounds: usize,
) -> Result<()> {
    let commit = Commit::of(workspace)?;
    let text = text(subject, samples, missing, &commit)?;
    println!("{text}");
    if rounds < ROUNDS_MIN || commit.changed {
        let why = if commit.changed { "there are changes without a commit" } else { "too few rounds" };
        println!("bench: not kept in docs: {why}");
        return Ok(());
    }
    let docs = workspace.root.join("docs");
    fs::create_dir_all(docs.join("results"))?;
    fs::write(docs.join(subject.page), text)?;
    fs::write(docs.join(subject.raw), serde_json::to_string_pretty(samples)? + "\n")?;
    Ok(())
}

fn text(subject: &Subject, samples: &Samples, missing: &[String], commit: &Commit) -> Result<String> {
    let mut text = format!("# {}\n\n", subject.title);
    let kernel = line(Command::new("uname").arg("-r"))?;
    let kernel: Vec<&str> = kernel.split(['.', '-']).take(2).collect();
    let cores = std::thread::available_parallelism()?;
    writeln!(
        text,
        "`{}`, {}, commit {commit}, {}, {cores} cores, Linux {}.\n\n{} Medians in milliseconds; only the ratios \
         within this run mean anything.\nRaw samples: `docs/{}`.\n\n{PEERS}\n",
        subject.command,
        commit.date,
        processor()?,
        kernel.join("."),
        subject.method,
        subject.raw,
    )?;
    for (operation, by_contender) in samples {
        writeln!(
            text,
            "## {operation}\n\n| | median | lowest | highest | samples | sampan is |\n|---|---|---|---|---|---|"
        )?;
        rows(&mut text, by_contender)?;
        text.push('\n');
    }
    for peer in missing {
        writeln!(text, "Not run: {peer}.")?;
    }
    Ok(text)
}

fn rows(text: &mut String, by_contender: &BTreeMap<String, Vec<f64>>) -> Result<()> {
    let ours = median(by_contender.get("sampan").context("ours was not measured")?);
    let mut order: Vec<_> = by_contender.iter().collect();
    order.sort_by_key(|(name, _)| (*name != "sampan", (*name).clone()));
    for (name, samples) in order {
        let middle = median(samples);
        let lowest = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = samples.iter().copied().fold(0.0, f64::max);
        let ratio =
            if name == "sampan" { String::new() } else { format!("{:.1} times faster", middle / ours) };
        writeln!(
            text,
            "| {name} | {middle:.1} | {lowest:.1} | {highest:.1} | {} | {ratio} |",
            samples.len()
        )?;
    }
    Ok(())
}

fn line(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&output(command)?).trim().to_owned())
}

fn processor() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    Ok(model.trim_start_matches([':', '\t', ' ']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn ours_comes_first_and_peers_are_compared_with_it() {
        let by_contender =
            BTreeMap::from([("docker".to_owned(), vec![200.0]), ("sampan".to_owned(), vec![10.0])]);
        let mut text = String::new();
        rows(&mut text, &by_contender).unwrap();
        assert!(text.starts_with("| sampan | 10.0 "), "{text}");
        assert!(text.contains("20.0 times faster"), "{text}");
    }
}
